import type { ChatMessage } from 'production-chat'
import Markdown from 'react-markdown'
import remarkGfm from 'remark-gfm'

const plugins = [remarkGfm]

/** What was typed stays as typed; an answer is markdown, of which HTML is never rendered and links leave safely. */
export function renderContent(message: ChatMessage) {
  if (message.role === 'user') return message.content
  return (
    <div className="answer">
      <Markdown
        remarkPlugins={plugins}
        components={{
          a: ({ href, children }) => (
            <a href={href} target="_blank" rel="noopener noreferrer nofollow">
              {children}
            </a>
          ),
          // An answer must not make the reader's browser call anywhere.
          img: ({ alt }) => <span>{alt}</span>,
          table: ({ children }) => (
            <div className="table" tabIndex={0} role="group" aria-label="Table">
              <table>{children}</table>
            </div>
          ),
        }}
      >
        {message.content}
      </Markdown>
    </div>
  )
}
