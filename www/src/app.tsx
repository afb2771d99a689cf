import { ChatPage } from './chat-page'
import { Dialog } from './dialog'
import { useAuth } from './session'
import { SignIn } from './sign-in'

export function App() {
  const auth = useAuth()
  switch (auth.state) {
    case 'loading':
      return <div className="splash" aria-busy="true" />
    case 'signed-out':
      return (
        <main className="sign-in-page">
          <SignIn heading="production-chat" lead="A chat that knows what it may send, before it sends." />
        </main>
      )
    case 'signed-in':
    case 'expired':
      return (
        <>
          {/* By person: whoever signs in next never sees what another one typed. */}
          <ChatPage key={auth.userId} userId={auth.userId} email={auth.email} />
          {auth.state === 'expired' && (
            <Dialog label="Sign in again">
              <SignIn
                heading="Your session has expired"
                lead="Sign in again to go on. What you typed is still here, and what was not sent is kept."
                email={auth.email}
              />
            </Dialog>
          )}
        </>
      )
  }
}
