'use client'

import { useEffect, useMemo, useState } from 'react'
import type { ChatMessage } from '../types.js'
import { BROKE_OFF } from './message-view.js'
import type { UseProductionChatResult } from './use-production-chat.js'
import { inLine, spoken } from './words.js'

/** By then it has been taken to be read out, and who walks the page need not meet the answer twice. Milliseconds. */
const READ = 10_000

/** What was seen of a conversation's turns since it is shown. */
interface Seen {
  conversationId: string | null
  isAnswering: boolean
  /** The last message when a turn ended here. */
  endedWith: string | null
}

/**
 * What is read out: that a turn is under way, and when it has ended, the whole answer, once. Only of turns that were
 * under way here: who opens a conversation is not read its last answer.
 */
export function useAnnouncement(chat: UseProductionChatResult, agentName: string): string {
  const { conversationId, status, queuePosition } = chat
  const last = chat.messages.at(-1)
  const isAnswering = status === 'submitted' || status === 'streaming'

  const [seen, setSeen] = useState<Seen>({ conversationId, isAnswering, endedWith: null })
  if (seen.conversationId !== conversationId || seen.isAnswering !== isAnswering) {
    const hasEnded = seen.conversationId === conversationId && seen.isAnswering
    setSeen({ conversationId, isAnswering, endedWith: hasEnded ? (last?.id ?? null) : null })
  }

  const { endedWith } = seen
  useEffect(() => {
    if (endedWith === null) return
    const timer = setTimeout(() => setSeen((now) => (now.endedWith === endedWith ? { ...now, endedWith: null } : now)), READ)
    return () => clearTimeout(timer)
  }, [endedWith])

  const ended = last !== undefined && last.id === endedWith ? last : null
  const words = useMemo(() => (ended === null ? '' : outcome(ended, agentName)), [ended, agentName])
  if (isAnswering) return queuePosition === null ? `${agentName} is answering.` : inLine(queuePosition)
  return words
}

function outcome(last: ChatMessage, agentName: string): string {
  const isAnswer = last.role === 'assistant'
  const problem = last.status === 'failed' ? (last.error?.message ?? (isAnswer ? BROKE_OFF : 'The message could not be sent.')) : ''
  return isAnswer ? `${agentName}: ${spoken(last.content)} ${problem}`.trimEnd() : problem
}
