import { createClient, type Session } from '@supabase/supabase-js'
import { configFromEnv, createProductionChat } from 'production-chat'
import { useSyncExternalStore } from 'react'
import { forgetDrafts } from './drafts'

const url = import.meta.env.VITE_SUPABASE_URL
const key = import.meta.env.VITE_SUPABASE_PUBLISHABLE_KEY
if (!url || !key) throw new Error('Set VITE_SUPABASE_URL and VITE_SUPABASE_PUBLISHABLE_KEY, or run `make demo`.')

export const supabase = createClient(url, key)

/** The page's one chat client. */
export const chat = createProductionChat({
  supabaseUrl: url,
  supabaseKey: key,
  accessToken: async (refresh) => {
    const { data } = refresh ? await supabase.auth.refreshSession() : await supabase.auth.getSession()
    return data.session?.access_token ?? null
  },
  ...configFromEnv(import.meta.env),
})

export type AuthState =
  | { state: 'loading' }
  | { state: 'signed-out' }
  | { state: 'signed-in'; userId: string; email: string }
  /** The session ended by itself: the page stays, with what was typed, until the same person is back. */
  | { state: 'expired'; userId: string; email: string }

let auth: AuthState = { state: 'loading' }
const listeners = new Set<() => void>()

function become(next: AuthState): void {
  auth = next
  for (const listener of listeners) listener()
}

supabase.auth.onAuthStateChange((event, session: Session | null) => {
  if (session !== null) {
    become({ state: 'signed-in', userId: session.user.id, email: session.user.email ?? '' })
  } else if (event === 'SIGNED_OUT' && (auth.state === 'signed-in' || auth.state === 'expired')) {
    become({ ...auth, state: 'expired' })
  } else if (auth.state !== 'expired') {
    become({ state: 'signed-out' })
  }
  // Not within the callback: supabase-js holds its lock until it returns.
  setTimeout(() => chat.accessTokenChanged())
})

/** The server refused a token that supabase-js still believes in. */
export function sessionExpired(): void {
  if (auth.state === 'signed-in') become({ ...auth, state: 'expired' })
}

/** Leaves nothing of this person behind. Ask first when messages are unsent. */
export async function signOut(): Promise<void> {
  chat.signOut()
  forgetDrafts()
  become({ state: 'signed-out' })
  await supabase.auth.signOut({ scope: 'local' })
}

export function useAuth(): AuthState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => auth,
  )
}
