'use client'

import { useEffect, useRef } from 'react'
import type { ProductionChatClient } from '../client.js'
import type { QuotaAlert } from '../types.js'
import { useClient } from './context.js'

/**
 * Calls `listener` when a limit of the day is at 80 % (`warn`), may not fit the next message (`soft`) or is spent
 * (`hard`): each level once a day, as something is spent. For a toast or for analytics; `usageStats.alertLevel` is the
 * level to render by.
 */
export function useQuotaAlert(listener: (alert: QuotaAlert) => void, client?: ProductionChatClient): void {
  const chat = useClient(client)
  const latest = useRef(listener)
  useEffect(() => {
    latest.current = listener
  })
  useEffect(() => chat.onAlert((alert) => latest.current(alert)), [chat])
}
