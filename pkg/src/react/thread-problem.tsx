'use client'

import type { RefObject } from 'react'
import type { ChatErrorCode, ChatErrorDetail } from '../types.js'
import { PassingButton } from './passing-button.js'
import type { UseProductionChatResult } from './use-production-chat.js'

/** Said where they happen: by the composer, or by whoever asks to sign in. */
const SAID_ELSEWHERE: readonly ChatErrorCode[] = ['quota_exceeded', 'not_allowed', 'invalid_request', 'signed_out', 'unauthenticated']

/**
 * What went wrong with reading the conversation; null when nothing did. A failed message says so itself, and what was
 * refused leaves the conversation's status as it was.
 */
export function threadProblem({ error, status, messages }: UseProductionChatResult): ChatErrorDetail | null {
  if (error === null || status !== 'error' || SAID_ELSEWHERE.includes(error.code)) return null
  return messages.some((message) => message.error !== null) ? null : error
}

/** In place of a conversation of which nothing could be loaded. */
export function NotLoaded({ problem, onRetry, heir }: { problem: ChatErrorDetail; onRetry: () => void; heir: RefObject<HTMLElement | null> }) {
  return (
    <div className="pc-not-loaded" role="alert">
      <p>
        <b>This conversation could not be loaded.</b>
      </p>
      <p>{problem.message}</p>
      {problem.code !== 'not_found' && (
        <PassingButton heir={heir} className="pc-button" onClick={onRetry}>
          Try again
        </PassingButton>
      )}
    </div>
  )
}

/** Above what is there of the conversation: reading more of it failed. */
export function Problem({ problem, onDismiss, heir }: { problem: ChatErrorDetail; onDismiss: () => void; heir: RefObject<HTMLElement | null> }) {
  return (
    <p className="pc-problem" role="alert">
      <span>{problem.message}</span>
      <PassingButton heir={heir} className="pc-link" onClick={onDismiss}>
        Dismiss
      </PassingButton>
    </p>
  )
}
