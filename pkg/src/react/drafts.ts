import type { ProductionChatClient } from '../client.js'
import { tell } from '../listeners.js'
import type { UseProductionChatResult } from './use-production-chat.js'

/** Where words belong. */
export interface Place {
  /** The conversation, or {@link NEW}. */
  key: string
  conversationId: string | null
  /** Null: nobody knows yet whose they are. */
  userId: string | null
}

/** All conversations that have not begun are one place: whoever comes back to a new one finds what they wrote. */
const NEW = 'new'

/**
 * What is being written with one client, by conversation. It outlives the fields: what comes back while there is none, or
 * while it is another conversation's, waits here. Who leaves finds it again; somebody else does not.
 */
export class Drafts {
  readonly #listeners = new Set<() => void>()
  readonly #editors = new Set<(key: string) => void>()
  readonly #held = new Set<string>()
  readonly #sent = new Map<string, string>()
  #texts = new Map<string, string>()
  /** Of who was here last, while nobody is. */
  #left = new Map<string, string>()
  #owner: string | null = null
  #userId: string | null = null

  constructor(client: ProductionChatClient) {
    const know = () => this.#know(client.account.getSnapshot().userId)
    know()
    // On a server nobody comes or goes, and listening would load the module.
    if (typeof window !== 'undefined') client.account.subscribe(know)
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls `edit` when a message was taken back to be edited in the field of that key. */
  readonly onEdit = (edit: (key: string) => void): (() => void) => {
    this.#editors.add(edit)
    return () => this.#editors.delete(edit)
  }

  text(key: string): string {
    return this.#texts.get(key) ?? ''
  }

  write(key: string, text: string): void {
    if (text === '') this.#texts.delete(key)
    else this.#texts.set(key, text)
    tell(this.#listeners)
  }

  /** Empties a place. Returns what was there. */
  take(key: string): string {
    const text = this.text(key)
    if (text !== '') this.write(key, '')
    return text
  }

  /** Above what was typed since: both are somebody's words. Whose they are not never sees them. */
  giveBack({ key, userId }: Place, text: string): void {
    if (userId === null || userId === this.#userId) this.write(key, joined(text, this.text(key)))
    else if (userId === this.#owner) this.#left.set(key, joined(text, this.#left.get(key) ?? ''))
  }

  /** Below what is being typed, as if it were typed next. */
  edit(key: string, text: string): void {
    this.write(key, joined(this.text(key), text))
    tell(this.#editors, key)
  }

  /** Whether what is in the field of that key is sent, and stays there until something else keeps it. */
  isHeld(key: string): boolean {
    return this.#held.has(key)
  }

  hold(key: string): void {
    this.#held.add(key)
    tell(this.#listeners)
  }

  /** It is kept elsewhere now. Where the app keeps the text, its field is told when it is seen next. */
  sent(key: string, text: string): void {
    if (!this.release(key)) return
    if (this.text(key) === text) this.write(key, '')
    else this.#sent.set(key, text)
    tell(this.#listeners)
  }

  /** Nothing was kept. Returns whether the words are still held in their field. */
  release(key: string): boolean {
    const wasHeld = this.#held.delete(key)
    if (wasHeld) tell(this.#listeners)
    return wasHeld
  }

  /** What was sent out of the field of that key since it was seen; told once. */
  takeSent(key: string): string | undefined {
    const text = this.#sent.get(key)
    this.#sent.delete(key)
    return text
  }

  #know(userId: string | null): void {
    if (userId === this.#userId) return
    if (userId === null) {
      this.#left = this.#texts
      this.#texts = new Map()
    } else if (this.#owner !== null) {
      if (userId === this.#owner) for (const [key, text] of this.#left) this.#texts.set(key, joined(text, this.text(key)))
      else if (this.#userId !== null) this.#texts = new Map()
      this.#left = new Map()
    }
    this.#userId = userId
    this.#owner = userId ?? this.#owner
    tell(this.#listeners)
  }
}

const ofClients = new WeakMap<ProductionChatClient, Drafts>()

export function draftsOf(client: ProductionChatClient): Drafts {
  let drafts = ofClients.get(client)
  if (drafts === undefined) ofClients.set(client, (drafts = new Drafts(client)))
  return drafts
}

export function placeOf({ client, conversationId, conversation, messages, queue }: UseProductionChatResult): Place {
  const { userId } = client.account.getSnapshot()
  const hasBegun = conversation !== null || messages.length > 0 || queue.length > 0
  const isNew = conversationId === null || (!hasBegun && client.isNew(conversationId))
  return { key: isNew ? NEW : conversationId, conversationId, userId }
}

export function joined(above: string, below: string): string {
  return [above, below].filter((text) => text !== '').join('\n')
}
