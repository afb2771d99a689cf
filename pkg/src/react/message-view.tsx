'use client'

import { memo, type ReactNode, type RefObject } from 'react'
import type { ChatMessage } from '../types.js'
import { MessageText } from './message-text.js'
import { PassingButton } from './passing-button.js'
import { usd } from './words.js'

export interface MessageViewProps {
  message: ChatMessage
  /** Its place among the messages that are loaded, from 1; not all of them need be in the page. */
  place: number
  /** How many are loaded. */
  total: number
  /** Shown above an answer. */
  agentName: string
  /** The answer as the app renders it. Default: its text, line by line. */
  renderContent?: ((message: ChatMessage) => ReactNode) | undefined
  onRetry: (messageId: string) => void
  /** Takes a failed message back to be edited. */
  onTakeBack: (messageId: string) => void
  /** Asks for another answer; only the last one has it. */
  onRegenerate?: (() => void) | undefined
  /** Gets the focus when what was pressed here goes. */
  heir: RefObject<HTMLElement | null>
}

/** One message. Rendered again only when that message changed. */
export const MessageView = memo(function MessageView(props: MessageViewProps) {
  const { message, agentName, renderContent } = props
  const isAnswer = message.role === 'assistant'
  const isGrowing = message.status === 'streaming'
  return (
    <article
      className="pc-message"
      data-role={message.role}
      data-status={message.status}
      data-message-id={message.id}
      aria-posinset={props.place}
      aria-setsize={props.total}
      aria-label={isAnswer ? `${agentName} answered` : 'You wrote'}
    >
      {isAnswer && <Author name={agentName} />}
      <div className="pc-content">
        {renderContent === undefined ? <MessageText text={message.content} /> : renderContent(message)}
        {isGrowing && CARET}
      </div>
      {!isGrowing && <Footer {...props} />}
    </article>
  )
})

// What an answer that grows has beside its text stays as it is, so that React compares none of it sixty times a second.

const CARET = <span className="pc-caret" aria-hidden="true" />

const Author = memo(function Author({ name }: { name: string }) {
  return (
    <p className="pc-author" aria-hidden="true">
      {name}
    </p>
  )
})

/** What is known of an answer that ended before its end, once it is read from the server. */
export const BROKE_OFF = 'The answer broke off.'

function Refund({ of: { refundedMicroUsd } }: { of: ChatMessage }) {
  if (refundedMicroUsd === null || refundedMicroUsd === 0) return null
  return <span className="pc-refund"> {usd(refundedMicroUsd)} went back to you.</span>
}

function Footer({ message, onRetry, onTakeBack, onRegenerate, heir }: MessageViewProps) {
  if (message.status === 'failed' && message.role === 'user') {
    return (
      <div className="pc-failure">
        <p>
          {message.error?.message ?? 'This message could not be sent.'}
          <Refund of={message} />
        </p>
        <p className="pc-actions">
          {message.error?.retryable !== false && (
            <PassingButton heir={heir} className="pc-button" onClick={() => onRetry(message.id)}>
              Try again
            </PassingButton>
          )}
          <PassingButton heir={heir} className="pc-button" onClick={() => onTakeBack(message.id)}>
            Edit
          </PassingButton>
        </p>
      </div>
    )
  }
  const notes: ReactNode[] = []
  if (message.status === 'failed') {
    notes.push(
      <span key="failed" className="pc-broken">
        {message.error?.message ?? BROKE_OFF}
        <Refund of={message} />
      </span>,
    )
  }
  if (message.status === 'sending') notes.push(<span key="sending">Sending…</span>)
  if (message.status === 'stopping') notes.push(<span key="stopping">Stopping: did it arrive?</span>)
  if (message.status === 'stopped') notes.push(<span key="stopped">Stopped</span>)
  if (message.costMicroUsd !== null) notes.push(<span key="cost">{usd(message.costMicroUsd)}</span>)
  if (onRegenerate !== undefined) {
    notes.push(
      <PassingButton key="again" heir={heir} className="pc-link" onClick={onRegenerate}>
        Answer again
      </PassingButton>,
    )
  }
  return notes.length === 0 ? null : <p className="pc-meta">{notes}</p>
}
