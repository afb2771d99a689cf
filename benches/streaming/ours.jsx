import 'production-chat/styles.css'
import { createProductionChat } from 'production-chat'
import { ChatThread, useProductionChat } from 'production-chat/react'
import { useEffect } from 'react'
import { createRoot } from 'react-dom/client'
import { CONVERSATION, USER } from './names.js'

const count = Number(new URLSearchParams(location.search).get('messages'))

const client = createProductionChat({
  // The server reads out of the address how many messages the conversation has.
  supabaseUrl: `${location.origin}/${count}`,
  supabaseKey: 'bench',
  accessToken: () => `head.${btoa(JSON.stringify({ sub: USER }))}.sign`,
})

window.updates = 0

function Page() {
  const chat = useProductionChat({ conversationId: CONVERSATION, client })
  useEffect(() => {
    window.updates++
  }, [chat.messages])
  const isReady = chat.messages.length === count && chat.quotas !== null
  useEffect(() => {
    window.isReady ||= isReady
  }, [isReady])
  return <ChatThread chat={chat} />
}

createRoot(document.getElementById('root')).render(<Page />)

window.start = async () => {
  const answer = await client.sendMessage({ conversationId: CONVERSATION, text: 'Begin' })
  return answer.content.length
}
