// The components on made-up data, for what no server would bring about quickly: long threads, fast answers, hostile text,
// refusals at the worst moment. They stand there without a provider: what they need comes with `chat`.
import { ChatError, type ChatMessage, type ProductionChatClient } from 'production-chat'
import { renderMarkdown } from 'production-chat/markdown'
import {
  ChatThread,
  DenialNotice,
  MessageComposer,
  QuotaIndicator,
  UpgradePrompt,
  useProductionChat,
  type UseProductionChatResult,
} from 'production-chat/react'
import { Profiler, StrictMode, useState, useSyncExternalStore, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'

const CONVERSATION = '01990000-0000-7000-8000-000000000001'

const VERDICT: UseProductionChatResult['verdict'] = {
  allowed: true,
  reason: null,
  violations: [],
  retryAt: null,
  softLimit: false,
  estimate: { minMicroUsd: 0, maxMicroUsd: 0, expectedMicroUsd: null },
  isStale: false,
  isFallback: false,
  upgrade: null,
}

const nothing = () => undefined
const never = () => new Promise<never>(nothing)

/** The same functions always, as the hook's are. */
const ACTIONS = {
  sendMessage: never,
  regenerate: never,
  stop: nothing,
  clearError: nothing,
  fetchNextPage: never,
  refetch: never,
  check: () => VERDICT,
  cancelQueued: () => null,
  retrySendMessage: never,
  discardMessage: () => null,
} satisfies Partial<UseProductionChatResult>

/** As much of a client as the components use: nobody is known to be there. */
const CLIENT = {
  account: { getSnapshot: () => ({ userId: null }), subscribe: () => () => undefined },
  isNew: (id: string) => id.endsWith('try'),
} as unknown as ProductionChatClient

/** What the hook would return, of these messages. */
function chatOf(messages: ChatMessage[]): UseProductionChatResult {
  return {
    client: CLIENT,
    conversationId: CONVERSATION,
    conversation: null,
    messages,
    queue: [],
    status: messages.at(-1)?.status === 'streaming' ? 'streaming' : 'ready',
    queuePosition: null,
    error: null,
    isLoading: false,
    isFetching: false,
    isStale: false,
    hasNextPage: true,
    isFetchingNextPage: false,
    quotas: null,
    usageStats: null,
    tiers: [],
    verdict: VERDICT,
    ...ACTIONS,
  }
}

/** The message at a place in the conversation; questions and answers take turns. */
function messageAt(place: number, content = text(place)): ChatMessage {
  return {
    id: `message-${place}`,
    turnId: `turn-${Math.ceil(place / 2)}`,
    conversationId: CONVERSATION,
    seq: place,
    role: place % 2 === 0 ? 'assistant' : 'user',
    content,
    status: 'complete',
    createdAt: place,
    costMicroUsd: null,
    refundedMicroUsd: null,
    error: null,
    version: 1,
  }
}

/** Between one line and ten. */
function text(place: number): string {
  return `Message ${place}. ${'Some words of no weight. '.repeat(1 + ((place * 7) % 24))}`
}

/** Renders in a page that holds nothing else. */
function render(children: ReactNode): void {
  document.body.replaceChildren()
  const box = document.body.appendChild(document.createElement('main'))
  box.style.cssText = 'display: flex; flex-direction: column; height: 600px'
  createRoot(box).render(<StrictMode>{children}</StrictMode>)
}

export interface Scene {
  /** The messages from the `first` to the `last` are there. */
  first: number
  last: number
  /** The app keeps what is typed, by conversation. Else the composer does. */
  keepsTexts?: boolean
  /** Answers are shown as they are without `renderContent`. */
  isPlain?: boolean
  /** The app makes a new `onEdit` for every rendering. */
  editsAnew?: boolean
}

/** A thread and a composer that show these messages, and are told what happens next. */
export function mount({ first, last, keepsTexts = false, isPlain = false, editsAnew = false }: Scene) {
  let messages: ChatMessage[] = []
  for (let place = first; place <= last; place++) messages.push(messageAt(place))
  let changes: Partial<UseProductionChatResult> = {}
  let hasField = true
  let chat = chatOf(messages)
  const listeners = new Set<() => void>()
  const show = () => {
    chat = { ...chatOf(messages), ...changes }
    for (const listener of listeners) listener()
  }
  const set = (next: ChatMessage[]) => {
    messages = next
    show()
  }

  const rendered: string[] = []
  let commits = 0
  const renderContent = (message: ChatMessage) => {
    rendered.push(message.id)
    return renderMarkdown(message)
  }
  function Chat() {
    const shown = useSyncExternalStore(
      (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      () => chat,
    )
    return (
      <>
        <Profiler id="thread" onRender={() => commits++}>
          <ChatThread
            chat={shown}
            renderContent={isPlain ? undefined : renderContent}
            onEdit={editsAnew ? () => undefined : undefined}
          />
        </Profiler>
        {hasField && (keepsTexts ? <Composer chat={shown} /> : <MessageComposer chat={shown} />)}
      </>
    )
  }
  function Composer({ chat }: { chat: UseProductionChatResult }) {
    const [texts, setTexts] = useState<Record<string, string>>({})
    const place = chat.conversationId ?? 'new'
    const write = (text: string) => setTexts((others) => ({ ...others, [place]: text }))
    return <MessageComposer chat={chat} text={texts[place] ?? ''} onTextChange={write} />
  }
  render(<Chat />)

  return {
    /** Older messages arrive above. */
    older(count: number): void {
      const from = (messages[0]?.seq ?? 1) - count
      set([...Array.from({ length: count }, (_, index) => messageAt(from + index)), ...messages])
    },
    /** A message comes to the end. */
    add(content: string, status: ChatMessage['status'] = 'complete', role: ChatMessage['role'] = 'assistant'): void {
      set([...messages, { ...messageAt((messages.at(-1)?.seq ?? 0) + 1, content), role, status }])
    },
    /** The last message grows. */
    grow(more: string): void {
      const last = messages.at(-1)
      if (last === undefined) return
      set([...messages.slice(0, -1), { ...last, content: last.content + more, version: last.version + 1 }])
    },
    /** The last message changes its state. */
    turn(status: ChatMessage['status']): void {
      const last = messages.at(-1)
      if (last === undefined) return
      set([...messages.slice(0, -1), { ...last, status, version: last.version + 1 }])
    },
    /** The last message goes. */
    drop(): void {
      set(messages.slice(0, -1))
    },
    /** Another conversation takes the place of this one. */
    go(conversationId: string, contents: string[]): void {
      changes = { ...changes, conversationId }
      set(contents.map((content, index) => ({ ...messageAt(index + 1, content), id: `${conversationId}-${index + 1}`, conversationId })))
    },
    /** The hook's result has these in place of its own, from now on. */
    change(next: Partial<UseProductionChatResult>): void {
      changes = { ...changes, ...next }
      show()
    },
    /** The composer comes or goes. */
    field(isThere: boolean): void {
      hasField = isThere
      show()
    },
    /** A message of ours that waits to be sent. */
    queued(content: string): ChatMessage {
      return { ...messageAt(1, content), id: 'waits', status: 'queued' }
    },
    /** What the hook's promises reject with when nothing was sent and nothing was kept. */
    refusal(message: string): ChatError {
      const empty = { retryable: false, status: null, retryAt: null, verdict: null, errors: [], refundedMicroUsd: null }
      return new ChatError({ code: 'invalid_request', message, ...empty })
    },
    /** The last message. */
    message(): ChatMessage {
      return messages.at(-1) ?? messageAt(1)
    },
    /** Which messages were rendered since this was asked last, and how often the thread was. */
    rendered(): { ids: string[]; commits: number } {
      const result = { ids: [...new Set(rendered)], commits }
      rendered.length = 0
      commits = 0
      return result
    },
  }
}

export type Stage = ReturnType<typeof mount>

/** Every component, each told of the client by the hook or by hand. */
function Unprovided({ client }: { client: ProductionChatClient }) {
  const chat = useProductionChat({ client })
  return (
    <>
      <QuotaIndicator client={client} />
      <ChatThread chat={chat} />
      <MessageComposer chat={chat} />
      <section aria-label="By itself">
        <DenialNotice verdict={chat.verdict}>
          <UpgradePrompt verdict={chat.verdict} tiers={chat.tiers} />
        </DenialNotice>
      </section>
    </>
  )
}

/** A new conversation with the page's own client and no provider. */
export function mountUnprovided(client: ProductionChatClient): void {
  render(<Unprovided client={client} />)
}
