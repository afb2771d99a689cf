// What a caller may send, checked field by field: each error names the field by a JSON pointer.

import { z } from "zod";
import { AGENT_IDS, type AgentId } from "./agents.ts";
import { invalid, Problem } from "./problem.ts";

/** Of one message, in UTF-8 bytes. */
export const MAX_CONTENT_BYTES = 16_000;
/** Of the whole body: the longest message with every character escaped, and the rest of it. */
export const MAX_BODY_BYTES = 128 * 1024;
const MAX_FILES = 32;

const utf8 = new TextEncoder();

const id = z.string("must be a UUID").regex(
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  "must be a UUID in lower case",
);

const chatRequest = z.object({
  id,
  conversationId: id,
  organizationId: id.nullish().transform((value) => value ?? null),
  newConversation: z.boolean("must be true or false").nullish().transform((value) => value ?? false),
  agent: z.enum(AGENT_IDS, `must be one of ${AGENT_IDS.join(", ")}`).nullish().transform((value) =>
    value ?? "executive"
  ),
  trigger: z.enum(["submit-message", "regenerate-message"], "must be submit-message or regenerate-message").nullish()
    .transform((value) => value ?? "submit-message"),
  content: z.string("must be a string")
    .refine(
      (text) => utf8.encode(text).length <= MAX_CONTENT_BYTES,
      `must be at most ${MAX_CONTENT_BYTES} bytes of UTF-8`,
    )
    .refine((text) => text.isWellFormed() && !text.includes("\0"), "must be valid text without NUL"),
  files: z.int("must be a whole number").min(0, "must not be negative").max(MAX_FILES, `must be at most ${MAX_FILES}`)
    .nullish().transform((value) => value ?? 0),
}, "must be a JSON object").superRefine((body, context) => {
  const empty = body.content.trim() === "";
  if (body.trigger === "submit-message" && empty) {
    context.addIssue({ code: "custom", path: ["content"], message: "must not be empty" });
  }
  if (body.trigger === "regenerate-message" && !empty) {
    context.addIssue({ code: "custom", path: ["content"], message: "must be empty when regenerating" });
  }
  if (body.trigger === "regenerate-message" && body.newConversation) {
    context.addIssue({ code: "custom", path: ["newConversation"], message: "must be false when regenerating" });
  }
});

/** A valid request, with every default filled in. */
export interface ChatRequest {
  id: string;
  conversationId: string;
  organizationId: string | null;
  newConversation: boolean;
  agent: AgentId;
  trigger: "submit-message" | "regenerate-message";
  content: string;
  files: number;
}

export async function readChatRequest(request: Request): Promise<ChatRequest> {
  return check(chatRequest, await readJson(request), "");
}

export interface TurnAddress {
  id: string;
  organizationId: string | null;
  /** Bytes of the answer the caller has already. */
  after: number;
}

const turnAddress = z.object({
  id,
  org: id.nullish(),
  after: z.string().regex(/^\d{1,9}$/, "must be a number of bytes").nullish().transform((value) => Number(value ?? 0)),
});

/** The path and query of the routes under `/chat/turns/:id`. */
export function readTurnAddress(turnId: string, query: Record<string, string>): TurnAddress {
  const address = check(turnAddress, { id: turnId, org: query["org"] || null, after: query["after"] || null }, "");
  return { id: address.id, organizationId: address.org ?? null, after: address.after };
}

function check<T>(schema: z.ZodType<T>, value: unknown, base: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(result.error.issues.map((issue) => {
    const pointer = base + issue.path.map((key) => `/${String(key)}`).join("");
    return { pointer, detail: `${String(issue.path.at(-1) ?? "The body")} ${issue.message}.` };
  }));
}

async function readJson(request: Request): Promise<unknown> {
  const type = request.headers.get("Content-Type") ?? "";
  if (!/^application\/json\b/i.test(type)) {
    throw new Problem("invalid_request", "The body must be JSON, with Content-Type: application/json.", {
      errors: [{ pointer: "", detail: "The body must be JSON, with Content-Type: application/json." }],
    });
  }
  const bytes = await readBytes(request, MAX_BODY_BYTES);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw invalid([{ pointer: "", detail: "The body is not valid JSON." }]);
  }
}

/** The body, without ever holding more than `limit` bytes of it. */
async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > limit) {
      throw invalid([{ pointer: "/content", detail: `content must be at most ${MAX_CONTENT_BYTES} bytes of UTF-8.` }]);
    }
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
