import type { Conversation } from 'production-chat'
import { useConversations } from 'production-chat/react'
import { useState, type KeyboardEvent } from 'react'
import { Confirm } from './dialog'
import { PencilIcon, TrashIcon } from './icons'
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

  return (
    <nav className="conversations" aria-label="Conversations" aria-busy={isLoading}>
      {!isLoading && conversations.length === 0 && <p className="empty-list">Your conversations will be here.</p>}
      <ul>
        {conversations.map((conversation) =>
          conversation.id === renaming ? (
            <li key={conversation.id}>
              <TitleField
                title={conversation.title}
                onDone={(title) => {
                  if (title !== null) rename(conversation.id, title)
                  setRenaming(null)
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
        <button type="button" className="pc-button" aria-disabled={isFetchingNextPage} onClick={fetchNextPage}>
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
function TitleField({ title, onDone }: { title: string; onDone: (title: string | null) => void }) {
  const [text, setText] = useState(title)
  const done = () => onDone(text.trim() === '' || text.trim() === title ? null : text.trim())

  function onKeyDown(event: KeyboardEvent): void {
    // In Safari the code alone says that Enter chose a character of an input method.
    const { isComposing, keyCode } = event.nativeEvent
    if (event.key === 'Enter' && !isComposing && keyCode !== 229) done()
    if (event.key === 'Escape') onDone(null)
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
      onBlur={done}
    />
  )
}
