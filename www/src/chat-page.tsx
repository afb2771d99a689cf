import { renderMarkdown } from 'production-chat/markdown'
import { ChatThread, MessageComposer, useAccount, useProductionChat } from 'production-chat/react'
import { useCallback, useEffect, useRef, useState } from 'react'
import { AgentPicker, useAgentName } from './agent-picker'
import { Banners } from './banners'
import { titleOf } from './conversation-list'
import { useDrafts } from './drafts'
import { MenuIcon } from './icons'
import { conversationPath, navigate, useRoute } from './route'
import { sessionExpired } from './session'
import { Sidebar } from './sidebar'
import { Greeting, NotFound } from './states'

const DEFAULT_AGENT = 'executive'
/** The key under which the text for a conversation that does not exist yet is kept. */
const NEW = 'new'

export function ChatPage({ userId, email }: { userId: string; email: string }) {
  const routeId = useRoute()
  const [chosenAgent, setChosenAgent] = useState<{ in: string; agent: string } | null>(null)
  const place = routeId ?? NEW
  const chosen = chosenAgent?.in === place ? chosenAgent.agent : undefined
  const chat = useProductionChat({ conversationId: routeId, agent: chosen })
  const agent = chosen ?? chat.conversation?.agent ?? DEFAULT_AGENT
  const agentName = useAgentName(agent)
  const { status: accountStatus } = useAccount()
  const { texts, setText } = useDrafts(userId)
  const text = texts[place] ?? ''
  const write = useCallback((next: string) => setText(place, next), [place, setText])
  const [isListOpen, setIsListOpen] = useState(false)
  const menuButton = useRef<HTMLButtonElement>(null)
  const main = useRef<HTMLElement>(null)
  useSessionWatch()

  const title = chat.conversation === null ? 'New conversation' : titleOf(chat.conversation)
  const isNew = chat.messages.length === 0 && chat.queue.length === 0
  const notLoaded = routeId !== undefined && isNew ? chat.error : null
  // What is no id at all is as absent as an id nobody has.
  const isMissing = notLoaded?.code === 'not_found' || notLoaded?.code === 'invalid_request'
  useTitle(isMissing ? 'Not found' : title)

  // A new conversation has an address from its first message on.
  useEffect(() => {
    if (routeId === undefined && !isNew && chat.conversationId !== null) {
      navigate(conversationPath(chat.conversationId), { replace: true })
    }
  }, [routeId, isNew, chat.conversationId])

  const focusComposer = useCallback(() => {
    // On a touch screen the keyboard would jump up.
    if (matchMedia('(pointer: fine)').matches) main.current?.querySelector('textarea')?.focus()
  }, [])
  const closeList = useCallback(() => {
    setIsListOpen(false)
    // After the page is rendered: under the open drawer it takes no focus.
    requestAnimationFrame(() => menuButton.current?.focus())
  }, [])
  const onChoose = useCallback(() => {
    setIsListOpen(false)
    requestAnimationFrame(focusComposer)
  }, [focusComposer])
  const composed = useRef(text)
  useEffect(() => {
    composed.current = text
  }, [text])
  const editText = useCallback(
    (taken: string) => {
      // Beside what is being typed, not over it.
      setText(place, composed.current === '' ? taken : `${composed.current}\n${taken}`)
      focusComposer()
    },
    [place, setText, focusComposer],
  )

  return (
    <div className="page">
      <Sidebar current={routeId} email={email} isOpen={isListOpen} onClose={closeList} onChoose={onChoose} />
      <main ref={main} className="main" inert={isListOpen}>
        <header className="bar">
          <button
            ref={menuButton}
            type="button"
            className="icon-button menu"
            aria-label="Open the list of conversations"
            aria-expanded={isListOpen}
            aria-controls="sidebar"
            onClick={() => setIsListOpen(true)}
          >
            <MenuIcon />
          </button>
          <h1>{isMissing ? 'Not found' : title}</h1>
          {!isMissing && <AgentPicker agent={agent} onChange={(next) => setChosenAgent({ in: place, agent: next })} />}
        </header>
        <Banners />
        {isMissing ? (
          <NotFound />
        ) : (
          <>
            <ChatThread chat={chat} agentName={agentName} renderContent={renderMarkdown} onEdit={editText}>
              {accountStatus === 'error' ? null : (
                <Greeting
                  agent={agent}
                  onSuggest={(suggestion) => {
                    write(suggestion)
                    focusComposer()
                  }}
                />
              )}
            </ChatThread>
            <MessageComposer
              chat={chat}
              agent={agent}
              text={text}
              onTextChange={write}
              placeholder={`Write to ${agentName}`}
            />
          </>
        )}
      </main>
    </div>
  )
}

/** The server no longer takes the token, a fresh one neither: the person is asked to sign in again. */
function useSessionWatch(): void {
  const { status, error } = useAccount()
  const isRefused = status === 'signed-out' && error?.code === 'unauthenticated'
  useEffect(() => {
    if (isRefused) sessionExpired()
  }, [isRefused])
}

function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · production-chat`
  }, [title])
}
