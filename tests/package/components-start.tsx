// The first example of pkg/README.md, word for word below the line: readme.spec.ts compares them, and this one must compile.
import { createClient } from '@supabase/supabase-js'

const supabase = createClient(import.meta.env.VITE_SUPABASE_URL, import.meta.env.VITE_SUPABASE_PUBLISHABLE_KEY)

// ---------------------------------------------------------------------------------------------------------------------

import { configFromEnv, createProductionChat } from 'production-chat'
import { renderMarkdown } from 'production-chat/markdown'
import { ChatThread, MessageComposer, ProductionChatProvider, QuotaIndicator, useProductionChat } from 'production-chat/react'
import 'production-chat/styles.css'

// Once, outside of rendering.
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

export function App() {
  return (
    <ProductionChatProvider client={client}>
      <Chat />
    </ProductionChatProvider>
  )
}

function Chat() {
  const chat = useProductionChat()
  return (
    <>
      <QuotaIndicator />
      <ChatThread chat={chat} renderContent={renderMarkdown} />
      <MessageComposer chat={chat} />
    </>
  )
}
