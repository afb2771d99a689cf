import { useAccount } from 'production-chat/react'
import { followLink } from './route'

const SUGGESTIONS: Record<string, readonly string[]> = {
  executive: ['Help me decide: build it ourselves or buy it?', 'Turn these notes into a one-page brief', 'What should I ask before I sign?'],
  research: ['What is known about four-day weeks?', 'Compare three ways to price an API', 'Which numbers would change my mind?'],
  writing: ['Write a note that says no, kindly', 'Make this paragraph half as long', 'A headline for our new limits page'],
  coding: ['Group a list by a key in TypeScript', 'Explain this stack trace', 'A retry with jitter, and why jitter'],
}

/** What a new conversation shows. */
export function Greeting({ agent, onSuggest }: { agent: string; onSuggest: (text: string) => void }) {
  const description = useAccount().agents.find(({ id }) => id === agent)?.description
  return (
    <div className="state">
      <h2>What are we working on?</h2>
      {description !== undefined && <p>{description}</p>}
      <ul className="suggestions">
        {(SUGGESTIONS[agent] ?? []).map((text) => (
          <li key={text}>
            <button type="button" onClick={() => onSuggest(text)}>
              {text}
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}

export function NotFound() {
  return (
    <div className="state">
      <h2>This conversation is not here</h2>
      <p>It may have been deleted, or it belongs to someone else.</p>
      <a className="pc-button pc-button-primary" href="/" onClick={(event) => followLink(event, '/')}>
        Begin a new one
      </a>
    </div>
  )
}
