// A signed-in user who talks to the function as a browser would.

import { assert } from "./assert.ts";
import { sql } from "./database.ts";
import { env } from "./env.ts";

// deno-lint-ignore no-explicit-any -- events are read by what each test expects of them
export type Event = { event: string; data: any };

export interface Problem {
  status: number;
  code: string;
  detail: string;
  errors?: { pointer: string; detail: string }[];
  violations?: { limit: string; retryAt: number | null }[];
  retryAfter?: number;
  turnId?: string;
  refundedMicroUsd?: number;
}

export class Caller {
  constructor(readonly id: string, readonly token: string, readonly functionsUrl = env.functionsUrl) {}

  /** A new user; the tier is given as the billing system would. */
  static async signUp(tier: "free" | "pro" | "enterprise" = "pro"): Promise<Caller> {
    const response = await fetch(`${env.supabaseUrl}/auth/v1/signup`, {
      method: "POST",
      headers: { apikey: env.publishableKey, "Content-Type": "application/json" },
      body: JSON.stringify({ email: `${crypto.randomUUID()}@example.com`, password: "correct horse battery" }),
    });
    const { access_token, user } = await response.json();
    assert(access_token, "sign-up gives a session");
    await sql("update public.user_licenses set tier = $2 where org_id = $1 and user_id = $1", user.id, tier);
    return new Caller(user.id, access_token);
  }

  /** The same user, through another instance of the function. */
  through(functionsUrl: string): Caller {
    return new Caller(this.id, this.token, functionsUrl);
  }

  request(path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> {
    return fetch(`${this.functionsUrl}${path}`, {
      ...init,
      headers: { Authorization: `Bearer ${this.token}`, apikey: env.publishableKey, ...init.headers },
    });
  }

  post(body: unknown, init: RequestInit = {}): Promise<Response> {
    return this.request("/chat", {
      ...init,
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  }

  /** Sends a message and reads all events. */
  async say(content: string, more: Record<string, unknown> = {}): Promise<Event[]> {
    return await eventsOf(await this.post(message(content, more)));
  }

  async messagesToday(): Promise<{ used: number; held: number; costMicroUsd: number }> {
    const response = await fetch(`${env.supabaseUrl}/rest/v1/rpc/quota_status`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${this.token}`,
        apikey: env.publishableKey,
        "Content-Type": "application/json",
      },
      body: "{}",
    });
    const { usage } = await response.json();
    return { ...usage.messagesToday, costMicroUsd: usage.costTodayMicroUsd.used + usage.costTodayMicroUsd.held };
  }
}

/** A message in a new conversation, unless told otherwise. */
export function message(content: string, more: Record<string, unknown> = {}) {
  return { id: crypto.randomUUID(), conversationId: crypto.randomUUID(), newConversation: true, content, ...more };
}

/** Events as they arrive. Every reply is searched for what must stay inside. */
export async function* readEvents(response: Response): AsyncGenerator<Event> {
  if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
    throw new Error(`no events but ${response.status}: ${await response.text()}`);
  }
  let rest = "";
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop()!;
    for (const block of blocks) {
      assertNoSecrets(block);
      const [, event, data] = block.match(/^event: (\w+)\ndata: (.*)$/s) ?? [];
      if (event && data) yield { event, data: JSON.parse(data) };
    }
  }
}

export async function eventsOf(response: Response): Promise<Event[]> {
  return await Array.fromAsync(readEvents(response));
}

export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text();
  assertNoSecrets(text);
  for (const value of response.headers.values()) assertNoSecrets(value);
  assert(
    response.headers.get("Content-Type") === "application/problem+json",
    `a problem, not ${response.status} ${response.headers.get("Content-Type")}: ${text.slice(0, 300)}`,
  );
  const problem = JSON.parse(text);
  assert(problem.status === response.status, "the body says the status");
  assert(problem.type === `urn:production-chat:problem:${problem.code}`, "the type names the code");
  assert(problem.title && problem.detail, "there are words for a person");
  return problem;
}

/** The text of all deltas, after a check that their offsets fit together. */
export function textOf(events: Event[], from = 0): string {
  let text = "";
  let bytes = from;
  for (const { event, data } of events) {
    if (event !== "delta") continue;
    assert(data.offset === bytes, `a delta begins at byte ${bytes}, not ${data.offset}`);
    text += data.text;
    bytes += new TextEncoder().encode(data.text).length;
  }
  return text;
}

function assertNoSecrets(text: string): void {
  const secrets = [env.secretKey, env.jwtSecret, env.providerKey, "upstream-detail-that-must-stay-inside"];
  for (const secret of secrets) assert(!text.includes(secret), "a reply carries no secret");
}
