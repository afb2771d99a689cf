import 'production-chat/styles.css'
import { useChat } from '@ai-sdk/react'
import { DefaultChatTransport } from 'ai'
import { memo, useEffect, useLayoutEffect, useRef } from 'react'
import { createRoot } from 'react-dom/client'
import { text } from './names.js'

const search = new URLSearchParams(location.search)
const count = Number(search.get('messages'))
const history = Array.from({ length: count }, (_, index) => ({
  id: `message-${index + 1}`,
  role: index % 2 === 0 ? 'user' : 'assistant',
  parts: [{ type: 'text', text: text(index + 1) }],
}))
const transport = new DefaultChatTransport({ api: '/peer/chat' })

window.updates = 0

/** As its guide shows messages. */
function Plain({ message }) {
  return (
    <article className="pc-message" data-role={message.role}>
      <div className="pc-content">{message.parts.map((part, index) => (part.type === 'text' ? <span key={index}>{part.text}</span> : null))}</div>
    </article>
  )
}

/** What one does next: each rendered only when it changed. */
const Memoized = memo(Plain)

const Message = search.has('memo') ? Memoized : Plain

function Page() {
  const { messages, sendMessage, status } = useChat({ messages: history, transport })
  const scroller = useRef(null)
  const ended = useRef(null)
  useEffect(() => {
    window.updates++
  }, [messages])
  useLayoutEffect(() => {
    scroller.current.scrollTop = scroller.current.scrollHeight
  }, [messages])
  useEffect(() => {
    window.start = async () => {
      const end = new Promise((resolve) => (ended.current = resolve))
      sendMessage({ text: 'Begin' })
      return await end
    }
    window.isReady = true
  }, [sendMessage])
  useEffect(() => {
    if (status === 'ready' && messages.length > count) ended.current?.(messages.at(-1).parts.find(({ type }) => type === 'text').text.length)
  }, [status, messages])
  return (
    <div className="pc-thread">
      <div className="pc-scroller" ref={scroller}>
        <div className="pc-messages">
          {messages.map((message) => (
            <Message key={message.id} message={message} />
          ))}
        </div>
      </div>
    </div>
  )
}

createRoot(document.getElementById('root')).render(<Page />)
