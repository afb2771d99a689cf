import type { ProductionChatClient } from '../client.js'
import { tell } from '../listeners.js'
import type { UseProductionChatResult } from './use-production-chat.js'

/**
 * What is being written with one client, by person and conversation. It outlives the fields: what comes back while there
 * is none, or while it is another conversation's, waits here.
 */
export class Drafts {
  readonly #texts = new Map<string, string>()
  readonly #listeners = new Set<() => void>()
  readonly #editors = new Set<() => void>()

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls `edit` when a message was taken back to be edited: the field wants the focus. */
  readonly onEdit = (edit: () => void): (() => void) => {
    this.#editors.add(edit)
    return () => this.#editors.delete(edit)
  }

  text(place: string): string {
    return this.#texts.get(place) ?? ''
  }

  write(place: string, text: string): void {
    if (text === '') this.#texts.delete(place)
    else this.#texts.set(place, text)
    tell(this.#listeners)
  }

  /** Empties a place. Returns what was there. */
  take(place: string): string {
    const text = this.text(place)
    if (text !== '') this.write(place, '')
    return text
  }

  /** Above what was typed since: both are somebody's words. */
  giveBack(place: string, text: string): void {
    this.write(place, joined(text, this.text(place)))
  }

  /** Below what is being typed, as if it were typed next. */
  edit(place: string, text: string): void {
    this.write(place, joined(this.text(place), text))
    tell(this.#editors)
  }
}

const ofClients = new WeakMap<ProductionChatClient, Drafts>()

export function draftsOf(client: ProductionChatClient): Drafts {
  let drafts = ofClients.get(client)
  if (drafts === undefined) ofClients.set(client, (drafts = new Drafts()))
  return drafts
}

/** Whose draft it is, and in which conversation. */
export interface Place {
  key: string
  /** Null: nobody knows yet. */
  userId: string | null
  conversationId: string | null
  isNew: boolean
}

/** All conversations that do not exist yet are one place: whoever comes back to a new one finds what they began. */
export function placeOf(chat: UseProductionChatResult): Place {
  const { conversationId } = chat
  const { userId } = chat.client.account.getSnapshot()
  const isNew =
    conversationId === null ||
    (chat.conversation === null && !chat.isLoading && chat.messages.length === 0 && chat.queue.length === 0)
  return { key: `${userId ?? ''}/${isNew ? '' : conversationId}`, userId, conversationId, isNew }
}

export function joined(above: string, below: string): string {
  return [above, below].filter((text) => text !== '').join('\n')
}

/** Whether a field that shows one of them shows the other as well: the conversation has begun since, or it is known whose it is. */
export function isSamePlace(before: Place, now: Place): boolean {
  const isSamePerson = before.userId === null || before.userId === now.userId
  return isSamePerson && (before.conversationId === now.conversationId || (before.isNew && now.isNew))
}
