'use client'

import { useCallback, useLayoutEffect, useRef, useState, type RefObject } from 'react'
import type { ChatMessage } from '../types.js'

/** So near to the end that a person means the end. Pixels. */
const NEAR = 48

export interface ThreadScroll {
  scroller: RefObject<HTMLDivElement | null>
  content: RefObject<HTMLDivElement | null>
  /** The end is in sight; when not, new messages do not move what is being read. */
  isAtEnd: boolean
  onScroll: () => void
  scrollToEnd: () => void
}

/** Keeps the place being read when older messages arrive above it, and follows the end only for those who are there. */
export function useThreadScroll(conversationId: string | null, messages: readonly ChatMessage[]): ThreadScroll {
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const follows = useRef(true)
  const first = useRef<{ id: string; top: number } | null>(null)
  const lastSent = useRef<string | null>(null)
  const [isAtEnd, setIsAtEnd] = useState(true)

  const onScroll = useCallback(() => {
    const box = scroller.current
    if (box === null) return
    follows.current = box.scrollHeight - box.scrollTop - box.clientHeight <= NEAR
    setIsAtEnd(follows.current)
  }, [])

  const scrollToEnd = useCallback(() => {
    const box = scroller.current
    if (box !== null) box.scrollTop = box.scrollHeight
    follows.current = true
    setIsAtEnd(true)
  }, [])

  // Another conversation is read from its end.
  useLayoutEffect(() => {
    first.current = null
    lastSent.current = null
    scrollToEnd()
  }, [conversationId, scrollToEnd])

  useLayoutEffect(() => {
    const box = scroller.current
    if (box === null) return

    const before = first.current
    const oldest = messages[0]
    if (before !== null && oldest !== undefined && oldest.id !== before.id) {
      const moved = topOf(box, before.id)
      if (moved !== null) box.scrollTop += moved - before.top
    }
    if (oldest !== undefined) first.current = { id: oldest.id, top: topOf(box, oldest.id) ?? 0 }

    // Who sends wants to see it, wherever they were reading.
    const sending = messages.findLast((message) => message.status === 'sending')?.id ?? null
    if (sending !== null && sending !== lastSent.current) follows.current = true
    lastSent.current = sending ?? lastSent.current

    if (follows.current) scrollToEnd()
  }, [messages, scrollToEnd])

  // What grows without a message changing: the composer, fonts, the window.
  useLayoutEffect(() => {
    const box = scroller.current
    if (box === null || content.current === null) return
    const observer = new ResizeObserver(() => {
      if (follows.current) box.scrollTop = box.scrollHeight
    })
    observer.observe(box)
    observer.observe(content.current)
    return () => observer.disconnect()
  }, [])

  return { scroller, content, isAtEnd, onScroll, scrollToEnd }
}

/** Where a message begins within the scrolled content. */
function topOf(box: HTMLElement, id: string): number | null {
  const element = box.querySelector<HTMLElement>(`[data-message-id="${CSS.escape(id)}"]`)
  return element === null ? null : element.getBoundingClientRect().top - box.getBoundingClientRect().top + box.scrollTop
}
