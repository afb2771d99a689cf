'use client'

import { memo, useCallback, useMemo, useRef, useState, type ReactNode, type RefObject } from 'react'
import { Virtualizer } from 'virtua'
import { ChatError } from '../error.js'
import type { ChatMessage } from '../types.js'
import { draftsOf, placeOf } from './drafts.js'
import { DownIcon } from './icons.js'
import { MessageView } from './message-view.js'
import { PassingButton } from './passing-button.js'
import { NotLoaded, Problem, threadProblem } from './thread-problem.js'
import { useAnnouncement } from './use-announcement.js'
import { useBrowserLayoutEffect } from './use-browser-layout-effect.js'
import type { UseProductionChatResult } from './use-production-chat.js'
import { useEarlier } from './use-earlier.js'
import { useThreadScroll } from './use-thread-scroll.js'
import { clockTime, inLine } from './words.js'

/**
 * Height of the place above the messages, where older ones are asked for. Pixels. `.pc-top` in `styles.css` has the
 * same: in the HTML of a server a Content-Security-Policy would forbid it.
 */
const TOP = 48
/** Messages at the end that are always there, for searching in the page and for screen readers: a page of them. */
const KEPT = 50

/** Props of {@link ChatThread}. */
export interface ChatThreadProps {
  /** What `useProductionChat` returned. */
  chat: UseProductionChatResult
  /** The name above the answers. */
  agentName?: string | undefined
  /**
   * A message as the app wants it. Default: its text, line by line. Never hand it to `innerHTML`. Another function renders
   * every message anew: make it outside of the component, or with `useCallback`.
   */
  renderContent?: ((message: ChatMessage) => ReactNode) | undefined
  /**
   * Receives the text of a failed or queued message that was taken back, to edit it. Default: the conversation's
   * `MessageComposer` does.
   */
  onEdit?: ((text: string) => void) | undefined
  /** Shown where there is no message yet. */
  children?: ReactNode
}

/**
 * The conversation: older messages on demand, the answer as it grows, what failed and what waits. Of a long one only
 * the last messages and those in sight are in the page.
 */
export function ChatThread({ chat, agentName = 'Assistant', renderContent, onEdit, children }: ChatThreadProps) {
  const { conversationId, messages, queue, retrySendMessage, discardMessage, cancelQueued, regenerate } = chat
  const { scroller, content, isAtEnd, hasGrownAbove, scrollToEnd, follow } = useThreadScroll(conversationId, messages, queue)
  const isAnswering = chat.status === 'submitted' || chat.status === 'streaming'
  const last = messages.at(-1)
  const lastId = last?.id
  const announcement = useAnnouncement(chat, agentName)

  const [refused, setRefused] = useState<Refusal | null>(null)
  const isRefusedHere = refused !== null && refused.conversationId === conversationId
  // The conversation has gone on, so nobody waits for what was refused any more.
  if (isRefusedHere && refused.lastId !== lastId) setRefused(null)
  /** What was kept says itself that it failed; what was refused has no other place to say so. */
  const tell = useCallback(
    (attempt: Promise<unknown>) => {
      setRefused(null)
      attempt.catch((error: unknown) => {
        if (!(error instanceof ChatError) || error.messageId !== null) return
        setRefused({ conversationId, lastId, words: error.message })
      })
    },
    [conversationId, lastId],
  )
  const retry = useCallback((messageId: string) => tell(retrySendMessage(messageId)), [tell, retrySendMessage])
  const answerAgain = useCallback(() => tell(regenerate()), [tell, regenerate])

  const edit = useLatest((text: string | null) => {
    if (text === null) return
    if (onEdit === undefined) draftsOf(chat.client).edit(placeOf(chat).key, text)
    else onEdit(text)
  })
  const takeBack = useCallback((messageId: string) => edit(discardMessage(messageId)), [discardMessage, edit])
  const cancel = (messageId: string) => edit(cancelQueued(messageId))

  const { length } = messages
  const isEmpty = length === 0 && queue.length === 0
  const problem = isRefusedHere ? null : threadProblem(chat)
  // The last one stays outside: while it grows there is nothing to measure and nothing to move.
  const earlier = useEarlier(messages)
  const kept = useMemo(() => {
    const from = Math.max(0, length - KEPT)
    return Array.from({ length: Math.max(0, length - 1 - from) }, (_, index) => from + index)
  }, [length])
  const common = { total: length, agentName, renderContent, onRetry: retry, onTakeBack: takeBack, heir: scroller }
  const list = useMemo(
    () =>
      // Empty it would have styles of its own in the HTML of a server, where a Content-Security-Policy forbids them.
      earlier.length > 0 && (
        <Virtualizer
          // Another conversation is measured anew.
          key={conversationId}
          data={earlier}
          scrollRef={scroller}
          startMargin={TOP}
          shift={hasGrownAbove}
          keepMounted={kept}
          onResize={follow}
        >
          {(message, index) => <MessageView key={message.id} message={message} place={index + 1} {...common} />}
        </Virtualizer>
      ),
    // What `common` is made of, rather than `common`.
    [conversationId, earlier, scroller, hasGrownAbove, kept, follow, length, agentName, renderContent, retry, takeBack],
  )

  return (
    <div className="pc-thread">
      {!isEmpty && problem !== null && <Problem problem={problem} onDismiss={chat.clearError} heir={scroller} />}
      <div
        className="pc-scroller"
        ref={scroller}
        role="log"
        aria-label="Conversation"
        aria-busy={isAnswering || chat.isLoading}
        // Answers grow by the token: the region below says when one begins and what it was.
        aria-live="off"
        tabIndex={0}
      >
        <div className="pc-messages" data-empty={length === 0} ref={content}>
          <Top
            hasNextPage={chat.hasNextPage}
            isFetchingNextPage={chat.isFetchingNextPage}
            fetchNextPage={chat.fetchNextPage}
            heir={scroller}
          />
          {isEmpty && chat.isLoading && problem === null && <Loading />}
          {isEmpty && !chat.isLoading && problem === null && children}
          {isEmpty && problem !== null && <NotLoaded problem={problem} onRetry={() => void chat.refetch()} heir={scroller} />}
          {list}
          {last !== undefined && (
            <MessageView
              key={last.id}
              message={last}
              place={length}
              onRegenerate={last.role === 'assistant' && !isAnswering ? answerAgain : undefined}
              {...common}
            />
          )}
          {chat.status === 'submitted' && last?.role !== 'assistant' && last?.status !== 'stopping' && (
            <Thinking agentName={agentName} queuePosition={chat.queuePosition} />
          )}
          {isRefusedHere && (
            <p className="pc-problem" role="alert">
              {refused.words}
            </p>
          )}
          {queue.map((message) => (
            <Queued key={message.id} message={message} retryAt={chat.verdict.retryAt} onCancel={cancel} heir={scroller} />
          ))}
        </div>
        {END}
      </div>
      {!isAtEnd && (
        <PassingButton heir={scroller} className="pc-to-end" aria-label="To the newest message" onClick={scrollToEnd}>
          <DownIcon />
        </PassingButton>
      )}
      <Announcement text={announcement} />
    </div>
  )
}

/** The same function always, which does what the one of the last rendering does. */
function useLatest<Args extends unknown[]>(act: (...args: Args) => void): (...args: Args) => void {
  const latest = useRef(act)
  useBrowserLayoutEffect(() => {
    latest.current = act
  })
  return useCallback((...args: Args) => latest.current(...args), [])
}

// What is around the messages is not rendered again while an answer grows.

const END = <div className="pc-end" />

type TopProps = Pick<UseProductionChatResult, 'hasNextPage' | 'isFetchingNextPage' | 'fetchNextPage'> & {
  heir: RefObject<HTMLElement | null>
}

const Top = memo(function Top({ hasNextPage, isFetchingNextPage, fetchNextPage, heir }: TopProps) {
  return (
    <div className="pc-top">
      {hasNextPage && (
        <PassingButton
          heir={heir}
          className="pc-button"
          aria-disabled={isFetchingNextPage}
          onClick={() => void (!isFetchingNextPage && fetchNextPage())}
        >
          {isFetchingNextPage ? 'Loading…' : 'Load older messages'}
        </PassingButton>
      )}
    </div>
  )
})

const Announcement = memo(function Announcement({ text }: { text: string }) {
  return (
    <p className="pc-hidden" role="status">
      {text}
    </p>
  )
})

/** A turn that was refused before anything was sent. */
interface Refusal {
  conversationId: string | null
  /** The last message at the time. */
  lastId: string | undefined
  words: string
}

interface QueuedProps {
  message: ChatMessage
  retryAt: number | null
  onCancel: (messageId: string) => void
  heir: RefObject<HTMLElement | null>
}

function Queued({ message, retryAt, onCancel, heir }: QueuedProps) {
  return (
    <article className="pc-message" data-role="user" data-status="queued" data-message-id={message.id} aria-label="Waiting to be sent">
      <div className="pc-content">{message.content}</div>
      <p className="pc-meta">
        <span>{retryAt === null ? 'Waits for its turn' : `Goes out at ${clockTime(retryAt, Date.now())}`}</span>
        <PassingButton heir={heir} className="pc-link" onClick={() => onCancel(message.id)}>
          Take back
        </PassingButton>
      </p>
    </article>
  )
}

function Thinking({ agentName, queuePosition }: { agentName: string; queuePosition: number | null }) {
  return (
    <div className="pc-message" data-role="assistant" data-status="thinking" aria-hidden="true">
      <p className="pc-author">{agentName}</p>
      <p className="pc-dots">
        <i />
        <i />
        <i />
      </p>
      {queuePosition !== null && <p className="pc-meta">{inLine(queuePosition)}</p>}
    </div>
  )
}

function Loading() {
  return (
    <div className="pc-loading" aria-hidden="true">
      <span className="pc-skeleton" data-role="user" />
      <span className="pc-skeleton" />
      <span className="pc-skeleton" />
    </div>
  )
}
