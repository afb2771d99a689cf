'use client'

import { useState } from 'react'
import type { ChatMessage } from '../types.js'
import type { UseProductionChatResult } from './use-production-chat.js'
import { inLine } from './words.js'

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

  if (isAnswering) return queuePosition === null ? `${agentName} is answering.` : inLine(queuePosition)
  return last !== undefined && last.id === seen.endedWith ? outcome(last, agentName) : ''
}

function outcome(last: ChatMessage, agentName: string): string {
  if (last.status === 'failed') return last.error?.message ?? 'The message could not be sent.'
  return last.role === 'assistant' ? `${agentName}: ${last.content}` : ''
}
