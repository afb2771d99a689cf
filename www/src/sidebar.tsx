import { QuotaIndicator, useAccount } from 'production-chat/react'
import { useEffect, useRef, useState } from 'react'
import { ConversationList } from './conversation-list'
import { Confirm } from './dialog'
import { CloseIcon, LeaveIcon, PlusIcon } from './icons'
import { followLink } from './route'
import { signOut } from './session'

interface SidebarProps {
  current: string | undefined
  email: string
  /** On narrow screens it is a drawer over the page. */
  isOpen: boolean
  onClose: () => void
  /** Called when a conversation, or a new one, was chosen. */
  onChoose: () => void
}

export function Sidebar({ current, email, isOpen, onClose, onChoose }: SidebarProps) {
  const { unsentCount } = useAccount()
  const [isLeaving, setIsLeaving] = useState(false)
  const closeButton = useRef<HTMLButtonElement>(null)

  useEffect(() => {
    if (!isOpen) return
    closeButton.current?.focus()
    const onKeyDown = (event: KeyboardEvent) => event.key === 'Escape' && onClose()
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [isOpen, onClose])

  return (
    <>
      {isOpen && <div className="backdrop" onClick={onClose} />}
      <aside id="sidebar" className="sidebar" data-open={isOpen} aria-label="Conversations and plan">
        <header>
          <img src="/icon.svg" alt="" width="28" height="28" />
          <span className="brand">production-chat</span>
          <button ref={closeButton} type="button" className="icon-button close" aria-label="Close the list" onClick={onClose}>
            <CloseIcon />
          </button>
        </header>
        <a
          className="new-conversation"
          href="/"
          onClick={(event) => {
            followLink(event, '/')
            if (event.defaultPrevented) onChoose()
          }}
        >
          <PlusIcon /> New conversation
        </a>
        <ConversationList current={current} onChoose={onChoose} />
        <footer>
          <QuotaIndicator />
          <div className="person">
            <span title={email}>{email}</span>
            <button
              type="button"
              className="icon-button"
              aria-label="Sign out"
              title="Sign out"
              onClick={() => (unsentCount > 0 ? setIsLeaving(true) : void signOut())}
            >
              <LeaveIcon />
            </button>
          </div>
        </footer>
      </aside>
      {isLeaving && (
        <Confirm
          question="Sign out and lose what is unsent?"
          explanation={`${unsentCount === 1 ? 'One message has' : `${unsentCount} messages have`} not been sent yet. Signing out clears everything of yours from this browser.`}
          yes="Sign out"
          onNo={() => setIsLeaving(false)}
          onYes={() => void signOut()}
        />
      )}
    </>
  )
}
