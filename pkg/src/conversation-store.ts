import { tell } from './listeners.js'
import { pendingConversation } from './pending.js'
import type { ChatErrorDetail, ConversationSnapshot, Core, Store } from './types.js'

const STILL = { isLoading: false, isFetching: false, isFetchingNextPage: false }

/** One conversation as a store; counts who looks at it, so that the core knows when to load and when to let go. */
export class ConversationStore implements Store<ConversationSnapshot> {
  readonly #id: string
  readonly #core: () => Core | null
  readonly #start: () => void
  readonly #viewers = new Set<() => void>()
  readonly #waiting = new Set<(isLast: boolean) => void>()
  /** What a server renders; hydrating begins with it. */
  readonly #rendered: ConversationSnapshot
  #pending: ConversationSnapshot
  #frozen: ConversationSnapshot | null = null

  constructor(id: string, core: () => Core | null, start: () => void) {
    this.#id = id
    this.#core = core
    this.#start = start
    this.#rendered = this.#pending = pendingConversation(id)
  }

  readonly subscribe = (onChange: () => void): (() => void) => {
    // A function of its own for every subscriber, so that one listener given twice counts twice.
    const viewer = () => onChange()
    if (this.#viewers.size === 0) {
      this.#core()?.open(this.#id)
      this.#start()
    }
    this.#viewers.add(viewer)
    return () => {
      if (this.#viewers.delete(viewer) && this.#viewers.size === 0) this.#core()?.close(this.#id)
    }
  }

  readonly getSnapshot = (): ConversationSnapshot =>
    this.#core()?.conversation(this.#id) ?? this.#frozen ?? this.#pending

  readonly getServerSnapshot = (): ConversationSnapshot => this.#rendered

  /** The module is there: it learns who was already looking. */
  attach(core: Core): void {
    if (this.#viewers.size > 0) core.open(this.#id)
    this.notify()
  }

  /** Something in it changed. */
  notify(): void {
    tell(this.#viewers)
    tell(this.#waiting, false)
  }

  /** The module could not be loaded: nothing is on its way. */
  fail(error: ChatErrorDetail): void {
    this.#pending = { ...this.#pending, ...STILL, status: 'error', error }
    this.notify()
  }

  /** The client is going: keep showing what was there, and let nobody wait for more. */
  freeze(): void {
    const last = this.getSnapshot()
    this.#frozen = { ...last, ...STILL, status: last.error === null ? 'ready' : 'error' }
    tell(this.#waiting, true)
  }

  /** The client is gone: those who look see what is frozen, and that is the last. */
  leave(): void {
    tell(this.#viewers)
    this.#viewers.clear()
  }

  /** The first snapshot for which `holds` is true, the present one included; the last one when the client is gone. */
  until(holds: (snapshot: ConversationSnapshot) => boolean): Promise<ConversationSnapshot> {
    return new Promise((resolve) => {
      const look = (isLast: boolean) => {
        const snapshot = this.getSnapshot()
        if (!isLast && !holds(snapshot)) return
        this.#waiting.delete(look)
        resolve(snapshot)
      }
      this.#waiting.add(look)
      look(this.#frozen !== null)
    })
  }
}
