'use client'

/**
 * The React binding: hooks, and components to begin with. Styles: `production-chat/styles.css`.
 *
 * @packageDocumentation
 */
export { ChatThread, type ChatThreadProps } from './chat-thread.js'
export { ProductionChatProvider, type ProductionChatProviderProps } from './context.js'
export { DenialNotice, type DenialNoticeProps } from './denial-notice.js'
export { MessageComposer, type MessageComposerProps } from './message-composer.js'
export { QuotaIndicator, type QuotaIndicatorProps } from './quota-indicator.js'
export { UpgradePrompt, type UpgradePromptProps } from './upgrade-prompt.js'
export {
  useAccount,
  useConversations,
  useQuota,
  type UseConversationsResult,
  type UseQuotaResult,
} from './use-account.js'
export {
  useProductionChat,
  type UseProductionChatOptions,
  type UseProductionChatResult,
} from './use-production-chat.js'
export { useQuotaAlert } from './use-quota-alert.js'
export { useUsageHistory, type UseUsageHistoryOptions, type UseUsageHistoryResult } from './use-usage-history.js'
