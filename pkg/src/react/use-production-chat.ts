'use client'

import { useCallback, useMemo, useState, useSyncExternalStore } from 'react'
import type { ProductionChatClient } from '../client.js'
import { ChatError } from '../error.js'
import { PENDING_VERDICT, pendingConversation } from '../pending.js'
import type {
  AccountSnapshot,
  ChatErrorDetail,
  ChatMessage,
  Conversation,
  ConversationSnapshot,
  Draft,
  MessageDraft,
  Quotas,
  Store,
  UsageStats,
  Verdict,
} from '../types.js'
import { useClient } from './context.js'
import { useConversationId } from './use-conversation-id.js'

/** What {@link useProductionChat} takes. */
export interface UseProductionChatOptions {
  /** The conversation to show. Left out: a new one, made once, which the server knows after its first message. */
  conversationId?: string | undefined
  /** Whom a new conversation talks to: as of its first message. Default: the client's agent. */
  agent?: string | undefined
  /** The client, where there is no `ProductionChatProvider`. */
  client?: ProductionChatClient | undefined
}

/** What {@link useProductionChat} gives. */
export interface UseProductionChatResult {
  /** The client that the conversation is one of. */
  client: ProductionChatClient
  /** Null only while the module still loads and a new conversation was asked for. */
  conversationId: string | null
  /** As the server has it; null before that. */
  conversation: Conversation | null
  /** Oldest first: what the server has, then what is on its way. A message that did not change stays the same object. */
  messages: ChatMessage[]
  /** What waits for the running turn to end or for a limit to lift. */
  queue: ChatMessage[]
  /** `submitted`: sent, no answer yet. `streaming`: the answer grows. */
  status: ConversationSnapshot['status']
  /** While the provider is busy: the place in line of what was sent, from 1; else null. */
  queuePosition: number | null
  /** What failed last here, a send that was refused included. Gone with the next send, or with `clearError`. */
  error: ChatErrorDetail | null
  /** The first load only. */
  isLoading: boolean
  /** Every load. */
  isFetching: boolean
  /** What is shown is older than five minutes and not confirmed yet. */
  isStale: boolean
  /** There are older messages. */
  hasNextPage: boolean
  /** They are on their way. */
  isFetchingNextPage: boolean
  /** What the plan allows; until the server has answered, what `defaultTier` does, or null without one. */
  quotas: Quotas | null
  /** What is spent and what remains, what is on its way included; null as `quotas` is. */
  usageStats: UsageStats | null
  /** Every plan there is, to compare. */
  tiers: Quotas[]
  /** May any message be sent now? For a particular one ask `check`. */
  verdict: Verdict

  /**
   * Sends a text, or a text with an agent or files. Shows at once.
   *
   * @returns the answer, when the turn ended; null when there is none.
   * @throws {ChatError} `messageId` null: refused here, the text is still yours. Else the message is kept as failed.
   *   The promise may be left alone: `error` and the message say the same.
   */
  sendMessage: (message: string | MessageDraft) => Promise<ChatMessage | null>
  /** Another answer in place of the last one. */
  regenerate: () => Promise<ChatMessage | null>
  /** Ends the answer being written and keeps what there is of it. */
  stop: () => void
  /** Forgets `error`: the status is `ready` again. */
  clearError: () => void
  /** Loads older messages. */
  fetchNextPage: () => Promise<void>
  /** Asks the server for the newest messages again. */
  refetch: () => Promise<void>
  /** May this be sent, what may it cost, when does what forbids it lift? From memory, without a request. */
  check: (message: string | MessageDraft) => Verdict
  /** Takes a queued message back and returns its text. */
  cancelQueued: (messageId: string) => string | null
  /** Sends a failed message again, under the id it was born with. */
  retrySendMessage: (messageId: string) => Promise<ChatMessage | null>
  /** Takes a failed message out of the outbox and returns its text; null when the server may have it, which is then asked. */
  discardMessage: (messageId: string) => string | null
}

/** One conversation and the quotas that bind it, for a component. */
export function useProductionChat(options: UseProductionChatOptions = {}): UseProductionChatResult {
  const client = useClient(options.client)
  const account = useStore(client.account)
  const { id, whenKnown } = useConversationId(client, account.userId, options.conversationId)
  const store = useMemo(() => (id === null ? NO_CONVERSATION : client.conversation(id)), [client, id])
  const chat = useStore(store)

  // A conversation that the server knows has an agent of its own.
  const agent = chat.conversation === null ? options.agent : undefined

  const check = useCallback(
    (message: string | MessageDraft) => (id === null ? PENDING_VERDICT : client.check(toDraft(message, id, agent))),
    [client, id, agent],
  )

  const [refusal, setRefusal] = useState<{ of: string | null; detail: ChatErrorDetail } | null>(null)

  const actions = useMemo(() => {
    /** A refusal leaves no trace in the conversation, so it is kept here: then `error` tells all there is to tell. */
    function told<Result>(act: (conversationId: string) => Promise<Result>): Promise<Result> {
      setRefusal(null)
      let of = id
      const attempt = withId((known) => act((of = known)))
      attempt.catch((error: unknown) => {
        if (error instanceof ChatError && error.messageId === null) setRefusal({ of, detail: error.detail })
      })
      return attempt
    }
    /** At once when the conversation is known, so that an optimistic change shows in the same frame. */
    function withId<Result>(act: (conversationId: string) => Promise<Result>): Promise<Result> {
      return id === null ? whenKnown().then(act) : act(id)
    }
    return {
      sendMessage: (message: string | MessageDraft) => told((id) => client.sendMessage(toDraft(message, id, agent))),
      regenerate: () => told((id) => client.regenerate(id)),
      stop: () => void (id !== null && client.stop(id)),
      clearError: () => {
        setRefusal(null)
        if (id !== null) client.clearError(id)
      },
      fetchNextPage: () => withId((id) => client.fetchNextPage(id)),
      refetch: () => withId((id) => client.refetch(id)),
      cancelQueued: (messageId: string) => client.cancelQueued(messageId),
      retrySendMessage: (messageId: string) => told((id) => client.retrySendMessage(id, messageId)),
      discardMessage: (messageId: string) => client.discardMessage(messageId),
    }
  }, [client, id, agent, whenKnown])

  const error = chat.error ?? (refusal?.of === id ? refusal.detail : null)
  return useMemo(
    () => toResult(client, id, account, chat, agent === undefined ? chat.verdict : check(''), error, check, actions),
    [client, id, account, chat, agent, error, check, actions],
  )
}

function toResult(
  client: ProductionChatClient,
  id: string | null,
  account: AccountSnapshot,
  chat: ConversationSnapshot,
  verdict: Verdict,
  error: ChatErrorDetail | null,
  check: UseProductionChatResult['check'],
  actions: Omit<UseProductionChatResult, keyof ConversationSnapshot | 'client' | 'conversationId' | 'quotas' | 'usageStats' | 'tiers' | 'check'>,
): UseProductionChatResult {
  return {
    ...chat,
    client,
    conversationId: id,
    error,
    // Nothing can load before it is known who asks, and a new conversation waits for the module alone.
    isLoading: chat.isLoading && account.status !== 'error',
    isFetching: chat.isFetching && (id !== null || account.status !== 'error'),
    quotas: account.quotas,
    usageStats: account.usageStats,
    tiers: account.tiers,
    verdict,
    check,
    ...actions,
  }
}

/** A store's snapshot, kept up to date. */
export function useStore<Snapshot>(store: Store<Snapshot>): Snapshot {
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getServerSnapshot)
}

function toDraft(message: string | MessageDraft, conversationId: string, agent: string | undefined): Draft {
  const draft = typeof message === 'string' ? { text: message } : message
  return { ...draft, agent: draft.agent ?? agent ?? null, conversationId }
}

const NO_SNAPSHOT: ConversationSnapshot = pendingConversation('')

/** Watched while a new conversation has no id yet. */
const NO_CONVERSATION: Store<ConversationSnapshot> = {
  subscribe: () => () => undefined,
  getSnapshot: () => NO_SNAPSHOT,
  getServerSnapshot: () => NO_SNAPSHOT,
}
