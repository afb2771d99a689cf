'use client'

import { useCallback, useEffect, useState } from 'react'
import type { ProductionChatClient } from '../client.js'
import { toChatError } from '../error.js'
import type { ChatErrorDetail } from '../types.js'
import { readUsageHistory, type UsageDay } from '../usage-history.js'
import { useClient } from './context.js'
import { useAccount } from './use-account.js'

/** What {@link useUsageHistory} takes. */
export interface UseUsageHistoryOptions {
  /** How many days, today included: 1 to 366. Default 30. */
  days?: number | undefined
  /** The client, where there is no `ProductionChatProvider`. */
  client?: ProductionChatClient | undefined
}

/** What {@link useUsageHistory} gives. */
export interface UseUsageHistoryResult {
  /** Oldest first; days without usage are absent. Kept while it is read again. */
  history: UsageDay[]
  /** The first load only. */
  isLoading: boolean
  /** Every load. */
  isFetching: boolean
  /** Why it could not be read. */
  error: ChatErrorDetail | null
  /** Reads it again. */
  refetch: () => void
}

interface Reading {
  of: string | null
  history: UsageDay[] | null
  isFetching: boolean
  error: ChatErrorDetail | null
}

const NOTHING: Reading = { of: null, history: null, isFetching: true, error: null }

/** What the signed-in user used on each of the last days: read when a component shows it, and on `refetch`. */
export function useUsageHistory({ days = 30, client: given }: UseUsageHistoryOptions = {}): UseUsageHistoryResult {
  const client = useClient(given)
  const { userId, status, error: accountError } = useAccount(client)
  const [reading, setReading] = useState(NOTHING)
  const [round, setRound] = useState(0)

  useEffect(() => {
    if (userId === null) return
    const leaving = new AbortController()
    // Nobody sees what another person used.
    setReading((before) => ({ ...(before.of === userId ? before : NOTHING), of: userId, isFetching: true }))
    readUsageHistory(client.options, days, leaving.signal).then(
      (history) => {
        if (!leaving.signal.aborted) setReading({ of: userId, history, isFetching: false, error: null })
      },
      (thrown: unknown) => {
        if (leaving.signal.aborted) return
        const { detail } = toChatError(thrown)
        setReading((before) => ({ ...before, isFetching: false, error: detail }))
      },
    )
    return () => leaving.abort()
  }, [client, userId, days, round])

  const refetch = useCallback(() => setRound((before) => before + 1), [])
  const shown = reading.of === userId ? reading : NOTHING
  const isNobody = userId === null
  const error = isNobody ? accountError : shown.error
  // Of nobody nothing is read; whether there is somebody is not known at first.
  const isFetching = isNobody ? status === 'loading' : shown.isFetching
  return {
    history: shown.history ?? NO_DAYS,
    isLoading: isFetching && shown.history === null && error === null,
    isFetching,
    error,
    refetch,
  }
}

const NO_DAYS: UsageDay[] = []
