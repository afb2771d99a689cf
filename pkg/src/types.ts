/**
 * The shapes of the protocol and of the snapshots, made from the Rust types when the crate is built, so that both
 * sides cannot drift apart. Times are milliseconds since the Unix epoch, money is micro-USD (integers).
 */
import type { ChatErrorCode, ChatErrorDetail as ChatErrorFields, ClientOptions, Draft } from '../wasm/production_chat.js'

export type {
  AccountSnapshot,
  AccountStatus,
  Agent,
  AlertLevel,
  ChatErrorCode,
  ChatErrorDetail as ChatErrorFields,
  ChatMessage,
  ChatMessageStatus,
  Conversation,
  ConversationSnapshot,
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
  Verdict,
  Violation,
} from '../wasm/production_chat.js'

/**
 * What went wrong: a union tagged by `code`, so that a `switch` on it narrows. `message` is written for people;
 * `retryAt` says when the same send may work, `retryable` whether trying again makes sense at all.
 */
export type ChatErrorDetail = { [Code in ChatErrorCode]: Omit<ChatErrorFields, 'code'> & { code: Code } }[ChatErrorCode]

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
