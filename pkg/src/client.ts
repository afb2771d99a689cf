import { WasmClient } from '../wasm/production_chat.js'
import { checkOptions } from './config.js'
import { ConversationStore } from './conversation-store.js'
import { ChatError, errorDetail, toChatError } from './error.js'
import { tell } from './listeners.js'
import { init } from './load.js'
import { PENDING_ACCOUNT, PENDING_VERDICT } from './pending.js'
import { regeneratedTurn, sentTurn, type TurnState } from './turn.js'
import type {
  AccountSnapshot,
  ChatErrorDetail,
  ChatMessage,
  ConversationSnapshot,
  Core,
  Draft,
  ProductionChatOptions,
  QuotaAlert,
  Store,
  Verdict,
} from './types.js'

const DISPOSED = errorDetail('disposed', 'This chat was closed.')
const NOT_LOADED = errorDetail('network', 'The chat could not be loaded. Check your connection and try again.', true)

/**
 * Everything one tab knows and does, for one user: no framework needed.
 *
 * It can be used at once, while the WebAssembly module still loads: stores show "loading", and what is called meanwhile
 * happens in order as soon as the module is there. Made by {@link createProductionChat}.
 */
export class ProductionChatClient {
  /** Who is signed in, what they may do and have spent, and their conversations. */
  readonly account: Store<AccountSnapshot>

  /** @internal For what asks the server by itself. */
  readonly options: ProductionChatOptions

  readonly #accountListeners = new Set<() => void>()
  readonly #alertListeners = new Set<(alert: QuotaAlert) => void>()
  readonly #conversations = new Map<string, ConversationStore>()
  readonly #new = new Set<string>()
  #core: Core | null = null
  #starting: Promise<Core> | null = null
  #pendingAccount = PENDING_ACCOUNT
  #lastAccount: AccountSnapshot | null = null
  #isDisposed = false

  /** @internal Use {@link createProductionChat}. */
  constructor(options: ProductionChatOptions) {
    this.options = options
    this.account = {
      subscribe: (listener) => {
        this.#accountListeners.add(listener)
        this.#startQuietly()
        return () => this.#accountListeners.delete(listener)
      },
      getSnapshot: () => this.#core?.account() ?? this.#lastAccount ?? this.#pendingAccount,
      getServerSnapshot: () => PENDING_ACCOUNT,
    }
    // On a server nobody looks, so nothing is loaded; a page loads it beside its other scripts.
    if (typeof window !== 'undefined') this.#startQuietly()
  }

  /**
   * One conversation, to watch. Whoever subscribes is somebody looking at it: its first page is loaded, and brought up
   * to date when it is older than five minutes.
   */
  conversation(id: string): Store<ConversationSnapshot> {
    return this.#store(id)
  }

  /**
   * The id of a conversation that exists on the server once its first message is accepted.
   *
   * @param agent whom to talk to; default: the client's.
   */
  async newConversation(agent?: string): Promise<string> {
    const id = (await this.#start()).newConversation(agent)
    this.#new.add(id)
    return id
  }

  /** @internal Whether {@link newConversation} made it. */
  isNew(id: string): boolean {
    return this.#new.has(id)
  }

  /**
   * Calls `listener` when a limit of the day comes near: once a day for each level of each limit, as something is spent.
   * How the day was found is no event, so a reload tells nothing again. Returns the function that ends it.
   */
  onAlert(listener: (alert: QuotaAlert) => void): () => void {
    this.#alertListeners.add(listener)
    return () => this.#alertListeners.delete(listener)
  }

  /** May this be sent? Every limit at once, from memory, without a request. Advice: the server decides. */
  check(draft: Draft): Verdict {
    return this.#core?.check(draft) ?? PENDING_VERDICT
  }

  /**
   * Sends a message. It shows in its conversation at once.
   *
   * @returns the answer, when the turn has ended; null when it ended without one (stopped early, cancelled, discarded).
   * @throws {ChatError} with `messageId` null when it was refused here and nothing was kept; with the message's id
   *   when the turn failed: then the message is kept, to retry or discard.
   */
  sendMessage(draft: Draft): Promise<ChatMessage | null> {
    return this.#turn(draft.conversationId, sentTurn, (core) => core.send(draft))
  }

  /**
   * Asks for another answer in place of the last one.
   *
   * @returns the new answer, null when it was stopped before its first word.
   * @throws {ChatError}
   */
  regenerate(conversationId: string): Promise<ChatMessage | null> {
    return this.#turn(conversationId, regeneratedTurn, (core) => core.regenerate(conversationId))
  }

  /**
   * Sends a failed message again, with the id it was born with: if the first try did arrive, this is the same turn.
   *
   * @returns as {@link sendMessage}
   * @throws {ChatError}
   */
  retrySendMessage(conversationId: string, messageId: string): Promise<ChatMessage | null> {
    return this.#turn(conversationId, sentTurn, (core) => {
      core.retry(messageId)
      return messageId
    })
  }

  /** Ends the answer that is being written, and keeps what there is of it. */
  stop(conversationId: string): void {
    this.#withCore((core) => core.stop(conversationId))
  }

  /**
   * Takes a failed message out of the outbox. Returns its text, to be edited or forgotten; null when the server may have
   * the message all the same: then it is stopped (status `stopping`), and shown as sent or as never sent once that is known.
   */
  discardMessage(messageId: string): string | null {
    return this.#core?.takeBack(messageId) ?? null
  }

  /** Takes a queued message back. Returns its text; null when it is under way, or stopped as a failed one may be. */
  cancelQueued(messageId: string): string | null {
    return this.discardMessage(messageId)
  }

  /** Forgets the conversation's error: its status is `ready` again. */
  clearError(conversationId: string): void {
    this.#withCore((core) => core.clearError(conversationId))
  }

  /** Loads the page of older messages. Resolves when it is there or failed: the snapshot tells. */
  fetchNextPage(conversationId: string): Promise<void> {
    return this.#load(conversationId, 'fetchNextPage', 'isFetchingNextPage')
  }

  /** Asks the server for the conversation's newest page again. Resolves when it is there or failed. */
  refetch(conversationId: string): Promise<void> {
    return this.#load(conversationId, 'refetch', 'isFetching')
  }

  /** Asks the server for usage and conversations again. Every reply carries the usage, so this is rarely needed. */
  refetchAccount(): void {
    this.#withCore((core) => core.refetchAccount())
  }

  /** Loads more of the list of conversations. */
  fetchNextConversations(): void {
    this.#withCore((core) => core.fetchNextConversations())
  }

  /** Gives a conversation a title. Shown at once; taken back, with an error in `account`, when the server refuses. */
  renameConversation(id: string, title: string): void {
    this.#withCore((core) => core.renameConversation(id, title))
  }

  /** Deletes a conversation. What was spent in it stays spent. */
  deleteConversation(id: string): void {
    this.#withCore((core) => core.deleteConversation(id))
  }

  /** Call it when the user signed in or out, or a token was refreshed: `accessToken` is asked again. */
  accessTokenChanged(): void {
    this.#withCore((core) => core.accessTokenChanged())
  }

  /**
   * Forgets everything of this user, unsent messages too: ask first, `account.getSnapshot().unsentCount` says how many.
   * Returns how many were dropped; 0 while the module still loads: then it is done as soon as it is there.
   */
  signOut(): number {
    let dropped = 0
    this.#withCore((core) => (dropped = core.signOut()))
    return dropped
  }

  /** Ends every request and timer. Safe at any moment; what is called later does nothing. */
  dispose(): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    const account = this.account.getSnapshot()
    this.#lastAccount = account.status === 'loading' ? failed(account, DISPOSED) : account
    for (const store of this.#conversations.values()) store.freeze()
    this.#core?.dispose()
    this.#core = null
    for (const store of this.#conversations.values()) store.leave()
    this.#notifyAccount()
    this.#accountListeners.clear()
    this.#alertListeners.clear()
  }

  #start(): Promise<Core> {
    if (this.#isDisposed) return Promise.reject(new ChatError(DISPOSED))
    this.#starting ??= init()
      .catch((cause: unknown) => {
        throw new ChatError(NOT_LOADED, null, { cause })
      })
      .then(() => this.#create())
      .catch((thrown: unknown) => {
        this.#starting = null
        const error = toChatError(thrown)
        this.#pendingAccount = failed(PENDING_ACCOUNT, error.detail)
        this.#notifyAccount()
        for (const store of this.#conversations.values()) store.fail(error.detail)
        throw error
      })
    return this.#starting
  }

  /** Starting is retried by the next call, and its failure is in the account's state: no rejection goes astray. */
  #startQuietly(): void {
    this.#start().catch(nothing)
  }

  #create(): Core {
    if (this.#isDisposed) throw new ChatError(DISPOSED)
    const { accessToken, ...options } = this.options
    const core = new WasmClient(options, accessToken, (account, conversations, alerts) => {
      if (account) this.#notifyAccount()
      for (const id of conversations) this.#conversations.get(id)?.notify()
      for (const alert of alerts) tell(this.#alertListeners, alert)
    }) as Core
    this.#core = core
    this.#notifyAccount()
    for (const store of this.#conversations.values()) store.attach(core)
    return core
  }

  #notifyAccount(): void {
    tell(this.#accountListeners)
  }

  /** Resolves when it is there or failed, the module included. */
  #load(id: string, load: 'fetchNextPage' | 'refetch', isUnderWay: 'isFetchingNextPage' | 'isFetching'): Promise<void> {
    const begun = this.#start().then((core) => {
      core[load](id)
      return this.#store(id).until((snapshot) => !snapshot[isUnderWay])
    })
    return begun.then(nothing, nothing)
  }

  #withCore(act: (core: Core) => void): void {
    if (this.#core !== null) act(this.#core)
    else this.#start().then(act).catch(nothing)
  }

  #turn(
    conversationId: string,
    read: (snapshot: ConversationSnapshot, turnId: string) => TurnState,
    begin: (core: Core) => string,
  ): Promise<ChatMessage | null> {
    const run = (core: Core): Promise<ChatMessage | null> => {
      let turnId: string
      try {
        turnId = begin(core)
      } catch (thrown) {
        return Promise.reject(toChatError(thrown))
      }
      const end = this.#turnEnd(conversationId, turnId, read)
      // From here on a failure shows in the conversation, so a caller may leave the promise alone.
      end.catch(nothing)
      return end
    }
    return this.#core === null ? this.#start().then(run) : run(this.#core)
  }

  async #turnEnd(
    conversationId: string,
    turnId: string,
    read: (snapshot: ConversationSnapshot, turnId: string) => TurnState,
  ): Promise<ChatMessage | null> {
    const last = await this.#store(conversationId).until((snapshot) => read(snapshot, turnId).state !== 'live')
    const turn = read(last, turnId)
    if (turn.state === 'ended') return turn.answer
    if (turn.state === 'failed') throw new ChatError(turn.error, turn.messageId)
    throw new ChatError(DISPOSED)
  }

  #store(id: string): ConversationStore {
    let store = this.#conversations.get(id)
    if (store === undefined) {
      store = new ConversationStore(
        id,
        () => this.#core,
        () => this.#startQuietly(),
      )
      this.#conversations.set(id, store)
      if (this.#isDisposed) store.freeze()
    }
    return store
  }
}

const nothing = (): void => undefined

function failed(account: AccountSnapshot, error: ChatErrorDetail): AccountSnapshot {
  return { ...account, status: 'error', error, isLoadingConversations: false }
}

/**
 * A client for one user of one Supabase project. Make one per page, outside of rendering; importing and making it has
 * no side effects on a server.
 *
 * @throws {Error} naming the option and what it may be, when one is wrong.
 */
export function createProductionChat(options: ProductionChatOptions): ProductionChatClient {
  checkOptions(options)
  return new ProductionChatClient(options)
}
