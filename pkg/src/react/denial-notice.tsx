'use client'

import type { ReactNode } from 'react'
import type { Verdict } from '../types.js'
import { useNow } from './use-now.js'
import { clockTime, countdown, duration, refusal } from './words.js'

/** Props of {@link DenialNotice}. */
export interface DenialNoticeProps {
  /** What `check` or a `ChatError` said. Where it allows, nothing is shown. */
  verdict: Verdict
  /** What can be done about it: buttons, an `UpgradePrompt`. */
  children?: ReactNode
}

/** Why a message cannot be sent and when it can: in words once, and as a clock that runs down, which is not read out. */
export function DenialNotice({ verdict, children }: DenialNoticeProps) {
  const now = useNow(verdict.retryAt)
  const words = refusal(verdict)
  if (words === null) return null
  const { retryAt } = verdict
  return (
    <div className="pc-denial">
      <p role="alert">
        {words}
        {retryAt !== null && (
          <>
            {' '}
            You can write again at{' '}
            <time dateTime={new Date(retryAt).toISOString()}>{clockTime(retryAt, now)}</time>.
          </>
        )}
      </p>
      {retryAt !== null && retryAt > now && (
        <p className="pc-countdown" role="timer" aria-label={`in ${duration(retryAt - now)}`} aria-live="off">
          <span aria-hidden="true">{countdown(retryAt - now)}</span>
        </p>
      )}
      {children}
    </div>
  )
}
