'use client'

/**
 * Answers as markdown, for the `renderContent` of a `ChatThread`. Needs `react-markdown` and `remark-gfm` beside it.
 *
 * @packageDocumentation
 */
import { useDeferredValue, type ReactNode } from 'react'
import ReactMarkdown, { type Components } from 'react-markdown'
import remarkGfm from 'remark-gfm'
import type { ChatMessage } from '../types.js'

/** Props of {@link Markdown}. */
export interface MarkdownProps {
  /** The markdown. */
  text: string
}

/**
 * Markdown with tables and lists. HTML in it is shown as text, links to anything but the web and mail lead nowhere, and
 * no image is loaded: an answer must not make the reader's browser call anywhere.
 */
export function Markdown({ text }: MarkdownProps) {
  // While an answer grows, typing and scrolling come first.
  const shown = useDeferredValue(text)
  return (
    <div className="pc-markdown">
      <ReactMarkdown remarkPlugins={PLUGINS} components={COMPONENTS}>
        {shown}
      </ReactMarkdown>
    </div>
  )
}

/** What was typed stays as typed; an answer is markdown. */
export function renderMarkdown(message: ChatMessage): ReactNode {
  return message.role === 'user' ? message.content : <Markdown text={message.content} />
}

const PLUGINS = [remarkGfm]

const COMPONENTS: Components = {
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  ),
  img: ({ alt }) => <span>{alt}</span>,
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
