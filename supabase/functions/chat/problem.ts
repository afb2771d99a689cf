// Every way in which the function says no: RFC 9457 problems, with the headers that tell when to come back.

import type { FieldError, LawReply, ProblemBody, ProblemCode, UsageSnapshot, Verdict } from "./protocol.ts";
import { rateLimitHeaders } from "./ratelimit.ts";

const KINDS: Record<ProblemCode, { status: number; title: string }> = {
  unauthenticated: { status: 401, title: "Sign in to continue" },
  invalid_request: { status: 400, title: "The request is not valid" },
  not_allowed: { status: 403, title: "The plan does not include this" },
  not_found: { status: 404, title: "Not found" },
  conversation_busy: { status: 409, title: "The conversation is busy" },
  turn_in_progress: { status: 409, title: "This message is being answered already" },
  id_reused: { status: 422, title: "The id belongs to another request" },
  quota_exceeded: { status: 429, title: "A limit is reached" },
  provider_unavailable: { status: 503, title: "The model is not available" },
  unavailable: { status: 503, title: "Try again in a moment" },
  internal: { status: 500, title: "Something went wrong" },
};

type Extra = Omit<ProblemBody, "type" | "title" | "status" | "detail" | "code">;

/** Thrown anywhere in the function, answered in one place. Its `detail` is meant for the caller: no secrets in it. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly body: ProblemBody;

  constructor(readonly code: ProblemCode, detail: string, extra: Extra = {}) {
    super(detail);
    this.body = { type: `urn:production-chat:problem:${code}`, ...KINDS[code], detail, code, ...extra };
  }

  /** The same problem as an HTTP answer. */
  toResponse(): Response {
    const headers = new Headers({ "Content-Type": "application/problem+json", "Cache-Control": "no-store" });
    if (this.body.retryAfter !== undefined) headers.set("Retry-After", String(this.body.retryAfter));
    if (this.code === "unauthenticated") headers.set("WWW-Authenticate", "Bearer");
    if (this.body.usage) { for (const [name, value] of rateLimitHeaders(this.body.usage)) headers.set(name, value); }
    return new Response(JSON.stringify(this.body), { status: this.body.status, headers });
  }
}

/** What went wrong, as a problem; a defect is logged and said without its inner words. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  console.error("defect:", error);
  return new Problem("internal", "The server met a defect. Nothing was charged for a message that got no answer.");
}

export function invalid(errors: FieldError[]): Problem {
  return new Problem("invalid_request", errors.map((error) => error.detail).join(" "), { errors });
}

/** The limits that waiting does not lift: the caller gets 403 and no time to come back. */
const LASTING = new Set([
  "license_inactive",
  "agent_not_allowed",
  "file_uploads_not_allowed",
  "conversations",
  "conversation_length",
]);

const LIMIT_WORDS: Record<string, string> = {
  license_inactive: "The licence is not active.",
  agent_not_allowed: "The plan does not include this agent.",
  file_uploads_not_allowed: "The plan does not include file uploads.",
  conversations: "The plan keeps no more conversations. Delete one first.",
  conversation_length: "This conversation is as long as the plan allows. Start a new one.",
  messages_per_hour: "The messages of this hour are spent.",
  messages_per_day: "The messages of today are spent.",
  cost_per_day: "The budget of today is spent.",
  org_messages_per_day: "The organization's messages of today are spent.",
  org_budget: "The organization's budget of this month is spent.",
};

/** A denial of the law. Nothing was consumed. */
export function denied(verdict: Verdict, usage: UsageSnapshot): Problem {
  const reason = verdict.reason ?? "";
  const detail = LIMIT_WORDS[reason] ?? "A limit of the plan is reached.";
  const common = { violations: verdict.violations, verdict, usage };
  if (LASTING.has(reason)) return new Problem("not_allowed", detail, common);
  const wait = verdict.retryAt === null ? {} : { retryAfter: secondsUntil(verdict.retryAt, usage.serverTime) };
  return new Problem("quota_exceeded", detail, { ...common, ...wait });
}

/** The outcomes that stop a request, whichever RPC they came from. Returns when the outcome is a turn's state. */
export function throwUnlessTurn(reply: LawReply): void {
  const usage = reply.usage ? { usage: reply.usage } : {};
  switch (reply.outcome) {
    case "denied":
      if (reply.verdict && reply.usage) throw denied(reply.verdict, reply.usage);
      throw new Error("a denial without verdict or usage");
    case "conversation_busy":
      throw new Problem("conversation_busy", "Another message of this conversation is being answered.", {
        ...usage,
        ...(reply.liveTurnId ? { turnId: reply.liveTurnId } : {}),
      });
    case "id_reused":
      throw new Problem("id_reused", "This id was used for another request. Make a new one.");
    case "not_found":
      throw new Problem("not_found", "There is no such conversation or message.", usage);
    case "invalid":
      throw invalid([{
        pointer: `/${reply.field ?? ""}`,
        detail: typeof reply.message === "string" ? reply.message : "This value is not valid.",
      }]);
  }
}

/** Whole seconds from `now` to `instant` (both in milliseconds), rounded up and at least 1. */
export function secondsUntil(instant: number, now: number): number {
  return Math.max(1, Math.ceil((instant - now) / 1000));
}
