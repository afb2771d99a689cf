import { useState, type FormEvent } from 'react'
import { supabase } from './session'

interface SignInProps {
  heading: string
  lead: string
  /** Who was here before. */
  email?: string
}

const DEMO_USERS = (import.meta.env.VITE_DEMO_USERS ?? '').split(',').filter((email) => email !== '')

export function SignIn({ heading, lead, email: knownEmail = '' }: SignInProps) {
  const [email, setEmail] = useState(knownEmail)
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState<string | null>(null)
  const [isBusy, setIsBusy] = useState(false)

  // Who was here is asked back; everybody else has the form.
  const demoUsers = DEMO_USERS.filter((user) => knownEmail === '' || user === knownEmail)

  async function signIn(as: string, secret: string): Promise<void> {
    setIsBusy(true)
    setProblem(null)
    const { error } = await supabase.auth.signInWithPassword({ email: as, password: secret })
    setIsBusy(false)
    if (error === null) return
    setProblem(
      error.code === 'invalid_credentials'
        ? 'This email and password do not belong together.'
        : `You could not be signed in: ${error.message}`,
    )
  }

  function onSubmit(event: FormEvent): void {
    event.preventDefault()
    void signIn(email, password)
  }

  return (
    <div className="sign-in">
      <img src="/icon.svg" alt="" width="48" height="48" />
      <h1>{heading}</h1>
      <p className="lead">{lead}</p>
      {demoUsers.length > 0 && (
        <>
          <div className="demo-users" role="group" aria-label="Demo accounts">
            {demoUsers.map((user) => (
              <button
                key={user}
                type="button"
                className="demo-user"
                disabled={isBusy}
                onClick={() => void signIn(user, import.meta.env.VITE_DEMO_PASSWORD ?? '')}
              >
                <b>{user.split('@')[0]}</b>
                <span>{user}</span>
              </button>
            ))}
          </div>
          <p className="or">or with an account of your own</p>
        </>
      )}
      <form onSubmit={onSubmit}>
        <label>
          Email
          <input
            type="email"
            autoComplete="username"
            required
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
        </label>
        <label>
          Password
          <input
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </label>
        {problem !== null && (
          <p className="pc-problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" className="pc-button pc-button-primary" disabled={isBusy}>
          {isBusy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </div>
  )
}
