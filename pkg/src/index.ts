/**
 * The quota-aware chat client: knows before it sends, never loses a message, never goes over the limit.
 *
 * @packageDocumentation
 */
export { createProductionChat, type ProductionChatClient } from './client.js'
export { configFromEnv, type EnvironmentConfig } from './config.js'
export { ChatError } from './error.js'
export { init, type InitInput } from './load.js'
export type {
  AccountSnapshot,
  AccountStatus,
  Agent,
  AlertLevel,
  AllowedVerdict,
  ChatErrorCode,
  ChatErrorDetail,
  ChatErrorFields,
  ChatMessage,
  ChatMessageStatus,
  Conversation,
  ConversationSnapshot,
  ConversationStatus,
  DenialCode,
  DeniedVerdict,
  Draft,
  Estimate,
  FieldError,
  License,
  LicenseStatus,
  LimitName,
  MessageDraft,
  Organization,
  OrgRole,
  ProductionChatOptions,
  QuotaAlert,
  Quotas,
  Role,
  StorageKind,
  Store,
  Tier,
  Upgrade,
  UsageStats,
  Verdict,
  VerdictFields,
  Violation,
} from './types.js'
export type { UsageDay } from './usage-history.js'
