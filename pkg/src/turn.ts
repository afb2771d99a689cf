import type { ChatErrorDetail, ChatMessage, ConversationSnapshot } from './types.js'

/** How a turn stands, read from its conversation's snapshot. */
export type TurnState =
  | { state: 'live' }
  /** `answer` is null when the turn ended without one: stopped before its first word, cancelled or discarded. */
  | { state: 'ended'; answer: ChatMessage | null }
  | { state: 'failed'; error: ChatErrorDetail; messageId: string | null }

const LIVE: TurnState = { state: 'live' }
const ENDED_WITHOUT_ANSWER: TurnState = { state: 'ended', answer: null }

/** The state of the turn that `sendMessage` began; its message has the turn's id. */
export function sentTurn(snapshot: ConversationSnapshot, turnId: string): TurnState {
  if (snapshot.queue.some((message) => message.id === turnId)) return LIVE
  const question = snapshot.messages.findLast((message) => message.id === turnId)
  if (question === undefined) return ENDED_WITHOUT_ANSWER
  if (question.status === 'failed') return failed(question.error, question.id)
  if (question.status !== 'complete') return LIVE
  return answered(snapshot, turnId)
}

/** The state of the turn that `regenerate` began; it has no message of its own, so the conversation's error is its. */
export function regeneratedTurn(snapshot: ConversationSnapshot, turnId: string): TurnState {
  const turn = answered(snapshot, turnId)
  return turn === ENDED_WITHOUT_ANSWER && snapshot.status === 'error' ? failed(snapshot.error, null) : turn
}

function answered(snapshot: ConversationSnapshot, turnId: string): TurnState {
  const answer = snapshot.messages.findLast((message) => message.turnId === turnId && message.role === 'assistant')
  if (answer?.status === 'failed' && answer.error !== null) return failed(answer.error, null)
  // One that broke off and was charged is an answer too, as far as it goes.
  if (answer !== undefined && answer.status !== 'streaming') return { state: 'ended', answer }
  const isBusy = snapshot.status === 'submitted' || snapshot.status === 'streaming'
  return isBusy ? LIVE : ENDED_WITHOUT_ANSWER
}

function failed(error: ChatErrorDetail | null, messageId: string | null): TurnState {
  return error === null ? ENDED_WITHOUT_ANSWER : { state: 'failed', error, messageId }
}
