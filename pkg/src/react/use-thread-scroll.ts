'use client'

import { useCallback, useRef, useState, type RefObject } from 'react'
import type { ChatMessage } from '../types.js'
import { useBrowserLayoutEffect } from './use-browser-layout-effect.js'

/** So near to the end that a person means the end. Pixels. */
const NEAR = 48
/** Beyond every end; the browser stops at the real one, without being asked for it first. Pixels. */
const END = 1e9

export interface ThreadScroll {
  scroller: RefObject<HTMLDivElement | null>
  content: RefObject<HTMLDivElement | null>
  /** The end is in sight; when not, new messages do not move what is being read. */
  isAtEnd: boolean
  /** In this rendering older messages have come in above: what is being read keeps its distance from the end. */
  hasGrownAbove: boolean
  scrollToEnd: () => void
  /** To be called when heights were only guessed before: goes to the end again if that is followed. */
  follow: () => void
}

/** Pixels. */
const fromEnd = (box: HTMLElement) => box.scrollHeight - box.scrollTop - box.clientHeight

/** Follows the end for those who are there, and tells when messages arrived above what is being read. */
export function useThreadScroll(
  conversationId: string | null,
  messages: readonly ChatMessage[],
  queue: readonly ChatMessage[],
): ThreadScroll {
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const follows = useRef(true)
  const shownFirst = useRef<string | null>(null)
  const lastSent = useRef<string | null>(null)
  const waited = useRef(queue)
  const [isAtEnd, setIsAtEnd] = useState(true)

  const oldest = messages[0]?.id ?? null
  const hasGrownAbove =
    shownFirst.current !== null && oldest !== shownFirst.current && messages.some(({ id }) => id === shownFirst.current)

  const scrollToEnd = useCallback(() => {
    const box = scroller.current
    if (box !== null) box.scrollTop = END
    follows.current = true
    setIsAtEnd(true)
  }, [])

  const follow = useCallback(() => {
    const box = scroller.current
    // Where browsers anchor (`.pc-end`), it is there already.
    if (follows.current && box !== null && fromEnd(box) > 1) box.scrollTop = END
  }, [])

  // Another conversation is read from its end.
  useBrowserLayoutEffect(() => {
    lastSent.current = null
    scrollToEnd()
  }, [conversationId, scrollToEnd])

  useBrowserLayoutEffect(() => {
    shownFirst.current = oldest

    // Who sends wants to see it, wherever they were reading. It is the last, or followed by its answer. What goes out by
    // itself, after it has waited, is no reason to leave what is being read.
    const sending = messages.slice(-2).find((message) => message.status === 'sending')?.id ?? null
    const goesByItself = waited.current.some(({ id }) => id === sending)
    if (sending !== null && sending !== lastSent.current && !goesByItself) scrollToEnd()
    lastSent.current = sending ?? lastSent.current
    waited.current = queue
  }, [oldest, messages, queue, scrollToEnd])

  const newest = messages.at(-1)?.id
  useBrowserLayoutEffect(follow, [newest, follow])

  useBrowserLayoutEffect(() => {
    const box = scroller.current
    if (box === null || content.current === null) return
    // Heard sixty times a second while an answer is followed, so without React's event and without a rendering.
    const onScroll = () => {
      const isNear = fromEnd(box) <= NEAR
      if (isNear !== follows.current) setIsAtEnd(isNear)
      follows.current = isNear
    }
    box.addEventListener('scroll', onScroll, { passive: true })
    // Whatever grows, an answer or the window: heard of after the layout is known, so that following it costs no other.
    // Test environments lay nothing out, and have none.
    const observer = globalThis.ResizeObserver === undefined ? null : new ResizeObserver(follow)
    observer?.observe(box)
    observer?.observe(content.current)
    return () => {
      box.removeEventListener('scroll', onScroll)
      observer?.disconnect()
    }
  }, [follow])

  return { scroller, content, isAtEnd, hasGrownAbove, scrollToEnd, follow }
}
