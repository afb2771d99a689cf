// The other examples of pkg/README.md, and what its words promise of the types.
import { createClient } from '@supabase/supabase-js'
import { ChatError, type ChatErrorDetail, type LimitName, type ProductionChatClient, type Verdict } from 'production-chat'
import { useUsageHistory, type UseProductionChatResult } from 'production-chat/react'

const supabase = createClient(import.meta.env.VITE_SUPABASE_URL, import.meta.env.VITE_SUPABASE_PUBLISHABLE_KEY)
declare const client: ProductionChatClient

export function History() {
  const { history } = useUsageHistory({ days: 7 })
  return history.map((day) => <p key={day.date}>{day.messagesSent}</p>)
}

export async function send(chat: UseProductionChatResult, text: string, restore: (text: string) => void, showRetry: (id: string) => void) {
  try {
    await chat.sendMessage({ text, agent: 'research' })
  } catch (error) {
    if (!(error instanceof ChatError)) throw error
    if (error.messageId === null) restore(text) // refused here: nothing was sent, nothing was kept
    else showRetry(error.messageId)             // failed: the message is kept, `retrySendMessage` sends it again
  }
}

/** A union tagged by `code`: in a branch, the code is that one alone. */
export function words(detail: ChatErrorDetail): string {
  switch (detail.code) {
    case 'quota_exceeded': {
      const code: 'quota_exceeded' = detail.code
      const reason: LimitName | undefined = detail.verdict?.reason
      return `${code}: ${reason}`
    }
    case 'network':
    case 'offline':
      detail.verdict satisfies null
      return detail.retryable ? 'again later' : detail.message
    // @ts-expect-error No error has this code.
    case 'no_such_code':
      return ''
    default:
      return detail.message
  }
}

/** What is not allowed has a reason, and what is allowed has none. */
export function reason(verdict: Verdict): LimitName | 'none' {
  if (!verdict.allowed) return verdict.reason
  verdict.reason satisfies null
  return 'none'
}

export async function leave() {
  const { unsentCount } = client.account.getSnapshot() // in a component: `useAccount().unsentCount`
  if (unsentCount > 0 && !confirm(`Sign out and lose ${unsentCount} unsent messages?`)) return
  client.signOut() // forgets all of this person, in every tab, and what this browser has stored
  await supabase.auth.signOut({ scope: 'local' })
}

export async function withoutReact(render: (text: string) => void): Promise<() => void> {
  const store = client.conversation(await client.newConversation())
  return store.subscribe(() => render(store.getSnapshot().messages.map(({ content }) => content).join('\n')))
}
