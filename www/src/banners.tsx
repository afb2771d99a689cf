import type { ChatErrorCode } from 'production-chat'
import { useAccount, type UseProductionChatResult } from 'production-chat/react'
import { leavesFocusTo } from './passing'
import { chat as client } from './session'

/** Said where they happen: by the composer, or by the dialog that asks to sign in. */
const SAID_ELSEWHERE: readonly ChatErrorCode[] = [
  'quota_exceeded',
  'not_allowed',
  'invalid_request',
  'signed_out',
  'unauthenticated',
]

const toComposer = leavesFocusTo(() => document.querySelector<HTMLElement>('.pc-composer textarea'))

/** What a person should know about the whole page, in order of weight. */
export function Banners({ chat }: { chat: UseProductionChatResult }) {
  const { status, isOnline, storage, error } = useAccount()
  // A failed message says so itself.
  const failed = chat.messages.some((message) => message.status === 'failed')
  const problem = chat.error === null || failed || SAID_ELSEWHERE.includes(chat.error.code) ? null : chat.error
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
      {problem !== null && chat.messages.length > 0 && (
        <p className="banner" role="alert">
          <span>{problem.message}</span>
          <button ref={toComposer} type="button" className="pc-button" onClick={chat.clearError}>
            Dismiss
          </button>
        </p>
      )}
    </div>
  )
}
