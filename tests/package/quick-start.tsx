// The example of README.md, word for word below the line: readme.spec.ts compares them, and this one must compile.
import { createClient } from '@supabase/supabase-js'

const supabase = createClient(import.meta.env.VITE_SUPABASE_URL, import.meta.env.VITE_SUPABASE_PUBLISHABLE_KEY)

// ---------------------------------------------------------------------------------------------------------------------

import { configFromEnv, createProductionChat } from 'production-chat'
import { ProductionChatProvider, useProductionChat } from 'production-chat/react'
import { useState, type FormEvent } from 'react'

// Once, outside of rendering. `supabase` is your client of supabase-js.
const client = createProductionChat({
  supabaseUrl: import.meta.env.VITE_SUPABASE_URL,
  supabaseKey: import.meta.env.VITE_SUPABASE_PUBLISHABLE_KEY,
  accessToken: async (refresh) => {
    const { data } = refresh ? await supabase.auth.refreshSession() : await supabase.auth.getSession()
    return data.session?.access_token ?? null
  },
  ...configFromEnv(import.meta.env),
})
supabase.auth.onAuthStateChange(() => setTimeout(() => client.accessTokenChanged()))

function Chat({ conversationId }: { conversationId?: string }) {
  const { messages, sendMessage, error, quotas, usageStats } = useProductionChat({ conversationId })
  const [text, setText] = useState('')
  const send = (event: FormEvent) => {
    event.preventDefault()
    void sendMessage(text)
    setText('')
  }
  return (
    <>
      {messages.map((message) => <p key={message.id}>{message.content}</p>)}
      <form onSubmit={send}>
        <input aria-label="Message" value={text} onChange={(event) => setText(event.target.value)} />
      </form>
      {error && <p role="alert">{error.message}</p>}
      <small>
        {usageStats?.messagesRemaining}/{quotas?.max_messages_per_day} messages, ${usageStats?.costToday.toFixed(4)} today
      </small>
    </>
  )
}

export const App = () => <ProductionChatProvider client={client}><Chat /></ProductionChatProvider>
