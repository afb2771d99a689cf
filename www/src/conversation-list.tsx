import type { Conversation } from 'production-chat'
import { useConversations } from 'production-chat/react'
import { useMemo, useRef, useState, type KeyboardEvent } from 'react'
import { Confirm } from './dialog'
import { PencilIcon, TrashIcon } from './icons'
import { leavesFocusTo } from './passing'
import { conversationPath, followLink, navigate } from './route'

interface ConversationListProps {
  current: string | undefined
  /** Called when one was chosen: a drawer closes. */
  onChoose: () => void
}

export function ConversationList({ current, onChoose }: ConversationListProps) {
  const { conversations, isLoading, hasNextPage, isFetchingNextPage, fetchNextPage, rename, remove } =
    useConversations()
  const [renaming, setRenaming] = useState<string | null>(null)
  const [deleting, setDeleting] = useState<Conversation | null>(null)
  const list = useRef<HTMLElement>(null)
  const more = useMemo(() => leavesFocusTo(() => [...(list.current?.querySelectorAll<HTMLElement>('.conversation a') ?? [])].at(-1)), [])
  /** For when what was pressed is gone after the next rendering: the focus goes on at this conversation, else at the list. */
  const focusOn = (id: string | undefined) =>
    requestAnimationFrame(() => {
      const link = id === undefined ? null : list.current?.querySelector<HTMLElement>(`a[href="${conversationPath(id)}"]`)
      ;(link ?? list.current)?.focus()
    })

  return (
    <nav ref={list} tabIndex={-1} className="conversations" aria-label="Conversations" aria-busy={isLoading}>
      {!isLoading && conversations.length === 0 && <p className="empty-list">Your conversations will be here.</p>}
      <ul>
        {conversations.map((conversation) =>
          conversation.id === renaming ? (
            <li key={conversation.id}>
              <TitleField
                title={conversation.title}
                onDone={(title, isByKey) => {
                  if (title !== null) rename(conversation.id, title)
                  setRenaming(null)
                  if (isByKey) focusOn(conversation.id)
                }}
              />
            </li>
          ) : (
            <li key={conversation.id} className="conversation">
              <a
                href={conversationPath(conversation.id)}
                aria-current={conversation.id === current ? 'page' : undefined}
                onClick={(event) => {
                  followLink(event, conversationPath(conversation.id))
                  if (event.defaultPrevented) onChoose()
                }}
              >
                {titleOf(conversation)}
              </a>
              <span className="conversation-actions">
                <button type="button" aria-label={`Rename ${titleOf(conversation)}`} onClick={() => setRenaming(conversation.id)}>
                  <PencilIcon />
                </button>
                <button type="button" aria-label={`Delete ${titleOf(conversation)}`} onClick={() => setDeleting(conversation)}>
                  <TrashIcon />
                </button>
              </span>
            </li>
          ),
        )}
      </ul>
      {hasNextPage && (
        <button ref={more} type="button" className="pc-button" aria-disabled={isFetchingNextPage} onClick={fetchNextPage}>
          {isFetchingNextPage ? 'Loading…' : 'Load more'}
        </button>
      )}
      {deleting !== null && (
        <Confirm
          question={`Delete “${titleOf(deleting)}”?`}
          explanation="Its messages go with it. What was spent on them stays spent."
          yes="Delete"
          onNo={() => setDeleting(null)}
          onYes={() => {
            const place = conversations.findIndex(({ id }) => id === deleting.id)
            focusOn((conversations[place + 1] ?? conversations[place - 1])?.id)
            remove(deleting.id)
            setDeleting(null)
            if (deleting.id === current) navigate('/')
          }}
        />
      )}
    </nav>
  )
}

export function titleOf(conversation: Conversation): string {
  return conversation.title === '' ? 'Untitled' : conversation.title
}

/** Enter and leaving the field keep the title, Escape keeps the old one. */
function TitleField({ title, onDone }: { title: string; onDone: (title: string | null, isByKey: boolean) => void }) {
  const [text, setText] = useState(title)
  const changed = text.trim() === '' || text.trim() === title ? null : text.trim()

  function onKeyDown(event: KeyboardEvent): void {
    // In Safari the code alone says that Enter chose a character of an input method.
    const { isComposing, keyCode } = event.nativeEvent
    if (isComposing || keyCode === 229) return
    if (event.key === 'Enter') onDone(changed, true)
    if (event.key === 'Escape') onDone(null, true)
  }

  return (
    <input
      className="title-field"
      aria-label="New title"
      value={text}
      maxLength={200}
      autoFocus
      onFocus={(event) => event.target.select()}
      onChange={(event) => setText(event.target.value)}
      onKeyDown={onKeyDown}
      onBlur={() => onDone(changed, false)}
    />
  )
}
