'use client'

import { useMemo } from 'react'
import type { ProductionChatClient } from '../client.js'
import type { AccountSnapshot, ChatErrorDetail, Conversation, Quotas, Tier, UsageStats } from '../types.js'
import { useClient } from './context.js'
import { useStore } from './use-production-chat.js'

/** Everything the client knows of the signed-in user: for what the smaller hooks leave out. */
export function useAccount(client?: ProductionChatClient): AccountSnapshot {
  return useStore(useClient(client).account)
}

/** What {@link useQuota} gives. */
export interface UseQuotaResult {
  /** What the plan allows; until the server has answered, what `defaultTier` does, or null without one. */
  quotas: Quotas | null
  /** What is spent and what remains; null as `quotas` is. */
  usageStats: UsageStats | null
  /** The plan in force. */
  tier: Tier | null
  /** Every plan there is, to compare. */
  tiers: Quotas[]
  /** Older than its freshness. */
  isStale: boolean
  /** The server has not answered yet: the default plan is assumed. */
  isFallback: boolean
  /** The first load only. */
  isLoading: boolean
  /** Why it could not be read. */
  error: ChatErrorDetail | null
  /** Asks the server again. Every reply carries the usage, so this is rarely needed. */
  refetch: () => void
}

/** Quotas and usage, where no conversation is needed. */
export function useQuota(client?: ProductionChatClient): UseQuotaResult {
  const chat = useClient(client)
  const account = useStore(chat.account)
  return useMemo(
    () => ({
      quotas: account.quotas,
      usageStats: account.usageStats,
      tier: account.license?.tier ?? null,
      tiers: account.tiers,
      isStale: account.isStale,
      isFallback: account.isFallback,
      isLoading: account.status === 'loading',
      error: account.error,
      refetch: () => chat.refetchAccount(),
    }),
    [chat, account],
  )
}

/** What {@link useConversations} gives. */
export interface UseConversationsResult {
  /** The last changed first. */
  conversations: Conversation[]
  /** The first load only. */
  isLoading: boolean
  /** There are more. */
  hasNextPage: boolean
  /** They are on their way. */
  isFetchingNextPage: boolean
  /** Why they could not be read, or what could not be done to one of them. */
  error: ChatErrorDetail | null
  /** Loads more of them. */
  fetchNextPage: () => void
  /** Shown at once; taken back, with an `error`, when the server refuses. */
  rename: (id: string, title: string) => void
  /** Deletes a conversation. What was spent in it stays spent. */
  remove: (id: string) => void
}

/** The list of conversations. */
export function useConversations(client?: ProductionChatClient): UseConversationsResult {
  const chat = useClient(client)
  const { conversations, isLoadingConversations, hasNextConversations, isFetchingNextConversations, error } = useStore(
    chat.account,
  )
  return useMemo(
    () => ({
      conversations,
      isLoading: isLoadingConversations,
      hasNextPage: hasNextConversations,
      isFetchingNextPage: isFetchingNextConversations,
      error,
      fetchNextPage: () => chat.fetchNextConversations(),
      rename: (id: string, title: string) => chat.renameConversation(id, title),
      remove: (id: string) => chat.deleteConversation(id),
    }),
    [chat, conversations, isLoadingConversations, hasNextConversations, isFetchingNextConversations, error],
  )
}
