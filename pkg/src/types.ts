/**
 * The shapes of the protocol and of the snapshots, made from the Rust types when the crate is built, so that both
 * sides cannot drift apart. Times are milliseconds since the Unix epoch, money is micro-USD (integers).
 */
import type {
  AccountSnapshot as CoreAccountSnapshot,
  ChatErrorCode,
  ChatErrorDetail as ChatErrorFields,
  ChatMessage as CoreChatMessage,
  ClientOptions,
  ConversationSnapshot as CoreConversationSnapshot,
  Draft,
  LimitName,
  Verdict as VerdictFields,
  WasmClient,
} from '../wasm/production_chat.js'

export type {
  AccountStatus,
  Agent,
  AlertLevel,
  ChatErrorCode,
  ChatErrorDetail as ChatErrorFields,
  ChatMessageStatus,
  Conversation,
  ConversationStatus,
  Draft,
  Estimate,
  FieldError,
  License,
  LicenseStatus,
  LimitName,
  Organization,
  OrgRole,
  QuotaAlert,
  Quotas,
  Role,
  StorageKind,
  Tier,
  Upgrade,
  UsageStats,
  Verdict as VerdictFields,
  Violation,
} from '../wasm/production_chat.js'

/** It may be sent. */
export interface AllowedVerdict extends VerdictFields {
  /** Nothing stands against it. */
  allowed: true
  /** Nothing binds. */
  reason: null
}

/** It may not be sent. */
export interface DeniedVerdict extends VerdictFields {
  /** At least one limit stands against it. */
  allowed: false
  /** The limit that lifts last. */
  reason: LimitName
}

/** May it be sent, what stands against it, when does that lift, what may it cost? `allowed` tells the two apart. */
export type Verdict = AllowedVerdict | DeniedVerdict

/** The codes of refusals: a limit that lifts with time, or one that waiting does not lift. */
export type DenialCode = 'quota_exceeded' | 'not_allowed'

/**
 * What went wrong: a union tagged by `code`, so that a `switch` on it narrows. `message` is written for people;
 * `retryAt` says when the same send may work, `retryable` whether trying again makes sense at all. Refusals alone have a
 * `verdict`; null even there when the server gave no more than its words.
 */
export type ChatErrorDetail = {
  [Code in ChatErrorCode]: Omit<ChatErrorFields, 'code' | 'verdict'> & {
    /** What it is, for a program. */
    code: Code
    /** The limits that bind. */
    verdict: Code extends DenialCode ? DeniedVerdict | null : null
  }
}[ChatErrorCode]

/** A message as it is shown. */
export interface ChatMessage extends CoreChatMessage {
  /** Why it failed. */
  error: ChatErrorDetail | null
}

/** A conversation as it is shown. */
export interface ConversationSnapshot extends CoreConversationSnapshot {
  /** Oldest first: what the server has, then what is on its way. */
  messages: ChatMessage[]
  /** Messages waiting for the answer before them, or for a limit to lift. */
  queue: ChatMessage[]
  /** What failed last, until `clearError`. */
  error: ChatErrorDetail | null
  /** May a message be sent at all? */
  verdict: Verdict
}

/** Everything about the signed-in user that is not a conversation's content. */
export interface AccountSnapshot extends CoreAccountSnapshot {
  /** Why it could not be read, or what could not be done to a conversation. */
  error: ChatErrorDetail | null
}

/** The module's client. What it returns is more than Rust's types can say. */
export interface Core extends WasmClient {
  account(): AccountSnapshot
  conversation(id: string): ConversationSnapshot
  check(draft: Draft): Verdict
}

/** How the client reaches Supabase, and whom it speaks for. */
export interface ProductionChatOptions extends ClientOptions {
  /**
   * The signed-in user's access token, `null` when nobody is signed in. Called again after it expired and after
   * `accessTokenChanged()`. `refresh` is true when the server refused the last one: get a new one. With supabase-js:
   *
   * ```ts
   * accessToken: async (refresh) => {
   *   const { data } = refresh ? await supabase.auth.refreshSession() : await supabase.auth.getSession()
   *   return data.session?.access_token ?? null
   * }
   * ```
   */
  accessToken: (refresh: boolean) => Promise<string | null> | string | null
}

/** A message to send, without the conversation it goes to. */
export type MessageDraft = Omit<Draft, 'conversationId'>

/** Something that can be watched: the shape `useSyncExternalStore` takes. */
export interface Store<Snapshot> {
  /** Calls `listener` after every change, at most once a frame. Returns the function that ends it. */
  subscribe(listener: () => void): () => void
  /** The present state: the identical object until something in it changes. */
  getSnapshot(): Snapshot
  /** The state a server renders: nothing known yet. */
  getServerSnapshot(): Snapshot
}
