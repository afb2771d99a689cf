'use client'

import { useEffect, useState } from 'react'

const SECOND = 1000
const HOUR = 3600 * SECOND

/**
 * The time, for a countdown to `until`: each second within the last hour, each minute before, and not at all when
 * there is nothing to wait for.
 */
export function useNow(until: number | null): number {
  const [now, setNow] = useState(() => Date.now())
  const isClose = until !== null && until - now < HOUR
  const isOver = until === null || until <= now
  useEffect(() => {
    setNow(Date.now())
    if (isOver) return
    const timer = setInterval(() => setNow(Date.now()), isClose ? SECOND : 60 * SECOND)
    return () => clearInterval(timer)
  }, [until, isClose, isOver])
  return now
}
