import { useAccount, type UseProductionChatResult } from 'production-chat/react'
import { chat as client } from './session'

/** What a person should know about the whole page, in order of weight. */
export function Banners({ chat }: { chat: UseProductionChatResult }) {
  const { status, isOnline, storage, error } = useAccount()
  const failed = chat.messages.some((message) => message.status === 'failed')
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
          <button type="button" className="pc-button" onClick={() => client.refetchAccount()}>
            Try again
          </button>
        </p>
      )}
      {/* A failed message says so itself. */}
      {chat.error !== null && !failed && chat.messages.length > 0 && (
        <p className="banner" role="alert">
          <span>{chat.error.message}</span>
          <button type="button" className="pc-button" onClick={chat.clearError}>
            Dismiss
          </button>
        </p>
      )}
    </div>
  )
}
