import { pendingConversation } from './pending.js'
import type { ConversationSnapshot, Core, Store } from './types.js'

/** One conversation as a store; counts who looks at it, so that the core knows when to load and when to let go. */
export class ConversationStore implements Store<ConversationSnapshot> {
  readonly #id: string
  readonly #core: () => Core | null
  readonly #start: () => void
  readonly #pending: ConversationSnapshot
  readonly #viewers = new Set<() => void>()
  readonly #waiting = new Set<(isLast: boolean) => void>()
  #frozen: ConversationSnapshot | null = null

  constructor(id: string, core: () => Core | null, start: () => void) {
    this.#id = id
    this.#core = core
    this.#start = start
    this.#pending = pendingConversation(id)
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

  readonly getServerSnapshot = (): ConversationSnapshot => this.#pending

  /** The module is there: it learns who was already looking. */
  attach(core: Core): void {
    if (this.#viewers.size > 0) core.open(this.#id)
    this.notify()
  }

  /** Something in it changed. */
  notify(): void {
    for (const viewer of [...this.#viewers]) viewer()
    for (const look of [...this.#waiting]) look(false)
  }

  /** The client is going: keep showing what was there, and let nobody wait for more. */
  freeze(): void {
    this.#frozen = { ...this.getSnapshot(), isLoading: false, isFetching: false, isFetchingNextPage: false }
    this.#viewers.clear()
    for (const look of [...this.#waiting]) look(true)
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
