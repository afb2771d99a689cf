// The hooks under React's hard conditions: StrictMode, transitions, slow components, unmounting in the middle.
import type { ProductionChatClient } from 'production-chat'
import {
  ProductionChatProvider,
  useConversations,
  useProductionChat,
  useUsageHistory,
  type UseProductionChatOptions,
  type UseProductionChatResult,
} from 'production-chat/react'
import { StrictMode, useState, useTransition, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'

/** Longer than React's slice of five milliseconds, all readers together: it yields between them. */
const SLOW_MS = 2
const READERS = 6

function Reader({ conversationId }: { conversationId: string }) {
  const { messages, status } = useProductionChat({ conversationId })
  const end = performance.now() + SLOW_MS
  while (performance.now() < end);
  return <li>{`${status} ${messages.map(({ content }) => content.length).join()}`}</li>
}

/** Renders itself as a transition over and over, so that answers grow in the middle of a rendering. */
function Restless({ children }: { children: ReactNode }) {
  const [round, setRound] = useState(0)
  const [, startTransition] = useTransition()
  return (
    <section
      ref={(section) => {
        if (section === null) return
        const timer = setInterval(() => startTransition(() => setRound((before) => before + 1)), 10)
        return () => clearInterval(timer)
      }}
    >
      <ul key={round % 2}>{children}</ul>
    </section>
  )
}

function render(client: ProductionChatClient, children: ReactNode) {
  const root = createRoot(document.body.appendChild(document.createElement('div')))
  root.render(
    <StrictMode>
      <ProductionChatProvider client={client}>{children}</ProductionChatProvider>
    </StrictMode>,
  )
  return root
}

/** Many components on one conversation. Counts the moments at which they showed different things. */
export function mountReaders(client: ProductionChatClient, conversationId: string) {
  const shown = new Set<string>()
  let torn = 0
  const watch = new MutationObserver(() => {
    const words = new Set(Array.from(document.querySelectorAll('section li'), (reader) => reader.textContent ?? ''))
    for (const word of words) shown.add(word)
    if (words.size > 1) torn++
  })
  watch.observe(document.body, { subtree: true, childList: true, characterData: true })
  const root = render(
    client,
    <Restless>
      {Array.from({ length: READERS }, (_, index) => (
        <Reader key={index} conversationId={conversationId} />
      ))}
    </Restless>,
  )
  return {
    unmount: () => root.unmount(),
    result: () => ({ torn, states: shown.size }),
  }
}

/** What is given to the hook: a new conversation's options, and the client of the provider. */
type Given = Omit<UseProductionChatOptions, 'conversationId'>

/** A chat about a new conversation: what the hook gives, and a way to give the hook something else. */
export function mountNew(client: ProductionChatClient, given: Given = {}) {
  let shown: UseProductionChatResult | null = null
  let give: (given: Given) => void = () => undefined
  let made = 0
  const newConversation = client.newConversation.bind(client)
  client.newConversation = (agent) => {
    made++
    return newConversation(agent)
  }
  function NewChat() {
    const [options, setOptions] = useState(given)
    give = setOptions
    shown = useProductionChat(options)
    return <output>{shown.conversationId}</output>
  }
  render(client, <NewChat />)
  return {
    made: () => made,
    shown: () => shown,
    give: (given: Given) => give(given),
  }
}

function History() {
  const { history, isLoading, error, refetch } = useUsageHistory({ days: 7 })
  if (isLoading) return <p className="history">loading</p>
  return (
    <p className="history">
      {error?.message ?? history.map((day) => `${day.messagesSent} for ${day.costMicroUsd}`).join()}
      <button onClick={refetch}>Read again</button>
    </p>
  )
}

export function mountHistory(client: ProductionChatClient): void {
  render(client, <History />)
}

function Conversations() {
  const { conversations, isLoading, error } = useConversations()
  return <p className="conversation-count">{isLoading ? 'loading' : (error?.message ?? `${conversations.length} conversations`)}</p>
}

export function mountConversations(client: ProductionChatClient): void {
  render(client, <Conversations />)
}
