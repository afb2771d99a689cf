// The shapes of docs/protocol.md that this function handles. Times are milliseconds, money is micro-USD.

export interface Counter {
  used: number;
  held: number;
}

export interface UsageSnapshot {
  version: number;
  serverTime: number;
  quotas: { max_messages_per_day: number; max_messages_per_hour: number };
  messagesToday: Counter;
  messagesThisHour: Counter;
  hourFreesAt: number[];
  dayResetsAt: number;
  [passedOn: string]: unknown;
}

export interface Violation {
  limit: string;
  used: number;
  held: number;
  max: number;
  retryAt: number | null;
}

export interface Verdict {
  allowed: boolean;
  reason: string | null;
  violations: Violation[];
  retryAt: number | null;
  [passedOn: string]: unknown;
}

export interface Turn {
  id: string;
  organizationId: string;
  conversationId: string;
  agent: string;
  model: string;
  state: TurnState;
  answerId: string;
  streaming: boolean;
  maxOutputTokens: number;
  holdMicroUsd: number;
  costMicroUsd: number | null;
  stopRequested: boolean;
  [passedOn: string]: unknown;
}

export type TurnState = "held" | "dispatched" | "settled" | "released" | "expired_charged";

export interface Message {
  id: string;
  content: string;
  status: "complete" | "streaming" | "stopped" | "failed";
  [passedOn: string]: unknown;
}

/** Passed on as it came from Postgres. */
export type Conversation = Record<string, unknown>;

export interface ContextMessage {
  role: "user" | "assistant";
  content: string;
}

/** What every RPC of the edge function returns; which of the rest is there depends on the RPC and the outcome. */
export interface LawReply {
  outcome: TurnState | "denied" | "conversation_busy" | "id_reused" | "not_found" | "invalid";
  turn: Turn | null;
  usage: UsageSnapshot | null;
  /** reserve: this call made the hold. */
  changed?: boolean;
  /** dispatch: this caller runs the turn. */
  won?: boolean;
  /** dispatch and read: the turn waits for its place at the provider, which is this one in the queue, from 1. */
  position?: number;
  verdict?: Verdict;
  liveTurnId?: string;
  field?: string;
  message?: Message | string | null;
  conversation?: Conversation;
  userMessage?: Message | null;
  context?: ContextMessage[];
  /** flush */
  stopRequested?: boolean;
  /** read */
  from?: number;
  text?: string;
}

export type ProblemCode =
  | "unauthenticated"
  | "invalid_request"
  | "not_allowed"
  | "not_found"
  | "conversation_busy"
  | "turn_in_progress"
  | "id_reused"
  | "quota_exceeded"
  | "provider_unavailable"
  | "unavailable"
  | "internal";

export interface FieldError {
  /** JSON pointer into the body. */
  pointer: string;
  detail: string;
}

/** RFC 9457. */
export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ProblemCode;
  errors?: FieldError[];
  violations?: Violation[];
  verdict?: Verdict;
  /** Seconds, as in the header. */
  retryAfter?: number;
  turnId?: string;
  usage?: UsageSnapshot;
  refundedMicroUsd?: number;
}
