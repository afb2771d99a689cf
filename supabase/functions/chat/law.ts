// The RPCs that decide and record: one typed function each, called with the secret key, with a time limit.

import { createClient } from "@supabase/supabase-js";
import type { Config } from "./env.ts";
import { Problem } from "./problem.ts";
import type { LawReply } from "./protocol.ts";

/** A caller waits for these. */
const DECIDE_LIMIT_MS = 8_000;
/** Nobody waits for these: rather late than never. */
const RECORD_LIMIT_MS = 15_000;

/** Which turn, in whose name. */
export interface TurnKey {
  organizationId: string;
  turnId: string;
  userId: string;
}

export interface Reservation {
  conversationId: string;
  newConversation: boolean;
  agent: string;
  trigger: string;
  content: string;
  files: number;
  /** Undefined: the database's default model. */
  model: string | undefined;
  answerId: string;
  systemBytes: number;
  fingerprint: string;
}

export interface Tokens {
  prompt: number;
  cached: number;
  completion: number;
}

export type Law = ReturnType<typeof createLaw>;

export function createLaw(config: Config) {
  const supabase = createClient(config.supabaseUrl, config.secretKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
  });

  async function call(name: string, key: TurnKey, args: Record<string, unknown>, limitMs: number): Promise<LawReply> {
    const { data, error, status } = await supabase
      .rpc(name, { p_org_id: key.organizationId, p_turn_id: key.turnId, p_user_id: key.userId, ...args })
      .abortSignal(AbortSignal.timeout(limitMs));
    if (!error) return data as LawReply;
    throw failure(name, error, status);
  }

  return {
    reserve: (key: TurnKey, it: Reservation) =>
      call("reserve_turn", key, {
        p_conversation_id: it.conversationId,
        p_new_conversation: it.newConversation,
        p_agent: it.agent,
        p_trigger: it.trigger,
        p_content: it.content,
        p_files: it.files,
        p_model: it.model ?? null,
        p_answer_id: it.answerId,
        p_system_bytes: it.systemBytes,
        p_fingerprint: it.fingerprint,
      }, DECIDE_LIMIT_MS),

    dispatch: (key: TurnKey) => call("dispatch_turn", key, {}, DECIDE_LIMIT_MS),

    flush: (key: TurnKey, content: string) => call("flush_turn", key, { p_content: content }, DECIDE_LIMIT_MS),

    /** `tokens` null: the provider did not say; charged as estimated. */
    settle: (key: TurnKey, content: string, status: "complete" | "stopped", tokens: Tokens | null) =>
      call("settle_turn", key, {
        p_content: content,
        p_status: status,
        p_prompt_tokens: tokens?.prompt ?? null,
        p_cached_tokens: tokens?.cached ?? null,
        p_completion_tokens: tokens?.completion ?? null,
      }, RECORD_LIMIT_MS),

    /** `answerId`: of the attempt that failed. */
    release: (key: TurnKey, answerId: string, reason: string) =>
      call("release_turn", key, { p_reason: reason, p_answer_id: answerId }, RECORD_LIMIT_MS),

    stop: (key: TurnKey) => call("stop_turn", key, {}, DECIDE_LIMIT_MS),

    read: (key: TurnKey, after: number) => call("read_turn", key, { p_after: after }, DECIDE_LIMIT_MS),
  };
}

interface RpcError {
  code?: string;
  message: string;
}

/** A database that cannot decide is never a yes; one that was asked wrongly is our defect. */
function failure(name: string, error: RpcError, status: number): Problem | Error {
  switch (error.code) {
    case "PT404":
      return new Problem("not_found", "There is no such conversation or message.");
    case "PT403":
      return new Problem("not_allowed", error.message);
    case "PT400":
      return new Problem("invalid_request", error.message, { errors: [{ pointer: "", detail: error.message }] });
  }
  if (status >= 400 && status < 500 && status !== 408 && status !== 429 && !isTransient(error.code)) {
    return new Error(`${name}: ${error.code ?? status} ${error.message}`);
  }
  console.error(`${name}: unavailable (${error.code || status || "no answer"})`);
  return new Problem("unavailable", "The limits cannot be checked right now. Nothing was charged.", { retryAfter: 2 });
}

/**
 * SQLSTATEs that pass: connection, resources, operator's intervention, serialization, lock timeout; and an id that was
 * taken at the same moment: asked again, the law says so.
 */
function isTransient(code: string | undefined): boolean {
  return code !== undefined && (/^(08|53|57)/.test(code) || ["40001", "40P01", "55P03", "23505"].includes(code));
}
