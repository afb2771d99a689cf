/** What a page shows before the module is there, and what a server renders. Nothing is known, so nothing is refused. */
import type { AccountSnapshot, ConversationSnapshot, Verdict } from './types.js'

/** "We do not know yet: let the server decide." */
export const PENDING_VERDICT: Verdict = Object.freeze({
  allowed: true,
  reason: null,
  violations: [],
  retryAt: null,
  softLimit: false,
  estimate: { minMicroUsd: 0, maxMicroUsd: 0, expectedMicroUsd: null },
  isStale: true,
  isFallback: true,
  upgrade: null,
})

export const PENDING_ACCOUNT: AccountSnapshot = Object.freeze({
  status: 'loading',
  error: null,
  userId: null,
  quotas: null,
  usageStats: null,
  license: null,
  organization: null,
  tiers: [],
  agents: [],
  isStale: true,
  isFallback: true,
  isOnline: true,
  storage: 'persistent',
  unsentCount: 0,
  conversations: [],
  isLoadingConversations: true,
  hasNextConversations: false,
  isFetchingNextConversations: false,
})

export function pendingConversation(conversationId: string): ConversationSnapshot {
  return {
    conversationId,
    conversation: null,
    messages: [],
    queue: [],
    status: 'ready',
    queuePosition: null,
    error: null,
    isLoading: true,
    isFetching: true,
    isStale: true,
    hasNextPage: false,
    isFetchingNextPage: false,
    verdict: PENDING_VERDICT,
  }
}
