'use client'

/**
 * Answers as markdown, for the `renderContent` of a `ChatThread`. Needs `react-markdown` and `remark-gfm` beside it.
 *
 * @packageDocumentation
 */
import { memo, useDeferredValue, useId, useMemo, type ReactNode } from 'react'
import ReactMarkdown, { type Components, type Options } from 'react-markdown'
import remarkGfm from 'remark-gfm'
import type { ChatMessage } from '../types.js'

/** Props of {@link Markdown}. */
export interface MarkdownProps {
  /** The markdown; while it streams, what there is of it. */
  text: string
}

/**
 * Markdown with tables, lists and footnotes. HTML in it is shown as text, links to anything but the web and mail are
 * text, and no image is loaded: an answer must not make the reader's browser call anywhere.
 */
export const Markdown = memo(function Markdown({ text }: MarkdownProps) {
  // While an answer grows, typing and scrolling come first.
  const shown = useDeferredValue(text)
  const id = useId()
  const own = useMemo(() => withOwnIds(`${id}-`), [id])
  return (
    <div className="pc-markdown">
      <ReactMarkdown remarkPlugins={PLUGINS} {...own}>
        {shown}
      </ReactMarkdown>
    </div>
  )
})

/** What was typed stays as typed; an answer is markdown. */
export function renderMarkdown(message: ChatMessage): ReactNode {
  return message.role === 'user' ? message.content : <Markdown text={message.content} />
}

const PLUGINS = [remarkGfm]

/** Where a link may lead. A relative one would lead into the app, of which an answer knows nothing. */
const OUTSIDE = /^(https?|mailto):/i

const COMPONENTS: Components = {
  img: ({ alt }) => <span>{alt}</span>,
  // The box of a task.
  input: ({ checked }) => (
    <input type="checkbox" checked={checked === true} disabled aria-label={checked === true ? 'Done' : 'To do'} />
  ),
  // What is wider than the page is scrolled, by keyboard too.
  pre: ({ children }) => (
    <pre tabIndex={0} role="group" aria-label="Code">
      {children}
    </pre>
  ),
  table: ({ children }) => (
    <div className="pc-table" tabIndex={0} role="group" aria-label="Table">
      <table>{children}</table>
    </div>
  ),
}

/** Footnotes have ids, which must not be those of another message. */
function withOwnIds(prefix: string): Pick<Options, 'components' | 'remarkRehypeOptions'> {
  return {
    remarkRehypeOptions: { clobberPrefix: prefix, footnoteLabelProperties: { className: ['pc-hidden'] } },
    components: {
      ...COMPONENTS,
      a: ({ node: _, href = '', children, 'aria-describedby': describedBy, ...props }) => {
        if (href.startsWith(`#${prefix}`)) {
          return (
            <a {...props} href={href} aria-describedby={describedBy && prefix + describedBy}>
              {children}
            </a>
          )
        }
        if (!OUTSIDE.test(href)) return <>{children}</>
        return (
          <a href={href} target="_blank" rel="noopener noreferrer nofollow">
            {children}
          </a>
        )
      },
      // The heading of the footnotes is the only one with an id, and the one id that takes no prefix by itself.
      h2: ({ node: _, id, ...props }) => <h2 {...props} id={id && prefix + id} />,
    },
  }
}
