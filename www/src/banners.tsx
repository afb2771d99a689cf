import { useAccount } from 'production-chat/react'
import { leavesFocusTo } from './passing'
import { chat as client } from './session'

const toComposer = leavesFocusTo(() => document.querySelector<HTMLElement>('.pc-composer textarea'))

/** What a person should know about the whole page, in order of weight. */
export function Banners() {
  const { status, isOnline, storage, error } = useAccount()
  return (
    <div className="banners">
      {!isOnline && (
        <p className="banner" role="status">
          You are offline. What you send now is kept, and goes out when you are back.
        </p>
      )}
      {storage === 'memory' && (
        <p className="banner" role="status">
          This browser stores nothing for this page. What is unsent is lost when you reload.
        </p>
      )}
      {isOnline && error !== null && status !== 'signed-out' && (
        <p className="banner" role="alert">
          <span>{error.message}</span>
          <button ref={toComposer} type="button" className="pc-button" onClick={() => client.refetchAccount()}>
            Try again
          </button>
        </p>
      )}
    </div>
  )
}
