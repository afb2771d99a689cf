'use client'

import { useEffect, useRef } from 'react'
import type { ChatMessage } from '../types.js'

/**
 * All messages but the last: the array of the rendering before, as long as it holds the same ones, so that what was
 * made of it need not be made anew with every word of the last one.
 */
export function useEarlier(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const kept = useRef<readonly ChatMessage[]>([])
  const result = begins(messages, kept.current) ? kept.current : messages.slice(0, -1)
  useEffect(() => {
    kept.current = result
  }, [result])
  return result
}

/** Whether all but the last are these. A plain loop: in a long conversation it runs over all of it sixty times a second. */
function begins(messages: readonly ChatMessage[], earlier: readonly ChatMessage[]): boolean {
  if (earlier.length !== Math.max(0, messages.length - 1)) return false
  for (let place = earlier.length - 1; place >= 0; place--) {
    if (messages[place] !== earlier[place]) return false
  }
  return true
}
