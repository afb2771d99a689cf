// The smallest chat one can write: it catches nothing and checks nothing, as a component that used another hook may.
import type { ProductionChatClient } from 'production-chat'
import { ProductionChatProvider, useProductionChat } from 'production-chat/react'
import { createRoot } from 'react-dom/client'

function Chat({ conversationId }: { conversationId?: string }) {
  const { messages, sendMessage, isLoading, error, quotas, usageStats } = useProductionChat({ conversationId })
  return (
    <>
      {isLoading && <p>Loading</p>}
      {messages.map((message) => (
        <p key={message.id}>{message.content}</p>
      ))}
      <form action={(form) => void sendMessage(String(form.get('text')))}>
        <input name="text" />
      </form>
      {error && <p role="alert">{error.message}</p>}
      <small>
        {usageStats?.messagesRemaining}/{quotas?.max_messages_per_day} messages, ${usageStats?.costToday.toFixed(4)} today
      </small>
    </>
  )
}

/** Renders the example into the page. */
export function mount(client: ProductionChatClient): void {
  const root = document.body.appendChild(document.createElement('section'))
  root.className = 'app-example'
  createRoot(root).render(
    <ProductionChatProvider client={client}>
      <Chat />
    </ProductionChatProvider>,
  )
}
