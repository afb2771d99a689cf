// A whole chat as an app writes it, in plain JavaScript, so that every bundler takes it as it is.
import { createProductionChat } from 'production-chat'
import { ChatThread, MessageComposer, ProductionChatProvider, QuotaIndicator, useProductionChat } from 'production-chat/react'
import { createElement as h, version } from 'react'

// The test says where the stack is and who is signed in. While a server renders, nobody is.
const told = new URLSearchParams(typeof window === 'undefined' ? '' : window.location.search)

const client = createProductionChat({
  supabaseUrl: told.get('supabase') ?? 'https://nowhere.invalid',
  functionsUrl: told.get('functions') ?? 'https://nowhere.invalid',
  supabaseKey: told.get('key') ?? 'none',
  accessToken: () => told.get('token'),
})

export function App() {
  return h(ProductionChatProvider, { client }, h(Chat))
}

function Chat() {
  const chat = useProductionChat()
  return h('main', { 'data-react': version }, h(QuotaIndicator), h(ChatThread, { chat }), h(MessageComposer, { chat }))
}
