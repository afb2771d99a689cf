'use client'

import { useCallback, useLayoutEffect, useRef, useState } from 'react'

interface Refused {
  /** Null: a new conversation that had no id yet. It has the first one there is. */
  conversationId: string | null
  text: string
}

/**
 * Gives the words of a refused message back to the field: above what was typed since, and only while the field is that
 * of their conversation. Until then they wait.
 */
export function useGiveBack(
  conversationId: string | null,
  value: string,
  setValue: (text: string) => void,
): (refused: Refused) => void {
  const [waiting, setWaiting] = useState<readonly Refused[]>([])
  const field = useRef({ conversationId, value, setValue, isThere: true })
  useLayoutEffect(() => {
    field.current = { conversationId, value, setValue, isThere: true }
    return () => {
      field.current.isThere = false
    }
  }, [conversationId, value, setValue])

  useLayoutEffect(() => {
    const returning = waiting.filter((refused) => belongs(refused, conversationId))
    if (returning.length === 0) return
    setWaiting(waiting.filter((refused) => !returning.includes(refused)))
    setValue(joined(returning, value))
    // As soon as there is one for this conversation, whatever is typed.
  }, [waiting, conversationId])

  return useCallback((refused: Refused) => {
    const { isThere, conversationId, value, setValue } = field.current
    if (isThere) setWaiting((others) => [...others, refused])
    // An app that keeps the text has it still when the field is gone.
    else if (belongs(refused, conversationId)) setValue(joined([refused], value))
  }, [])
}

function belongs(refused: Refused, conversationId: string | null): boolean {
  return refused.conversationId === null || refused.conversationId === conversationId
}

function joined(refused: readonly Refused[], typed: string): string {
  return [...refused.map(({ text }) => text), typed].filter((text) => text !== '').join('\n')
}
