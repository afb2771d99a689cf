// What the demo answers. Plain, short, in markdown, and the same for the same question.

const OPENINGS = {
  executive: 'Here is how I would decide it.',
  research: 'Here is what I would look into, and why.',
  writing: 'Here is a draft to react to.',
  coding: 'Here is a small version that works.',
}

const BODIES = {
  executive: `1. **Name the decision.** One sentence, with the date by which it must be taken.
2. **List what it costs to be wrong.** Money, time, trust. The largest one sets the pace.
3. **Take the smallest step that teaches something.** Two weeks, one owner, one number to watch.

> If nobody can say what would change your mind, it is not a decision yet.

I can turn this into a one-page brief if that helps.`,
  research: `- **What is known:** the direction is clear, the size is not.
- **What is disputed:** whether the effect lasts beyond the first months.
- **What nobody measured:** the cost of doing nothing.

| Source | Says | Weight |
| --- | --- | --- |
| Field data | it works at small scale | high |
| Surveys | people expect it to work | low |
| Theory | it stops at a limit | medium |

The next useful question is *where the limit lies*.`,
  writing: `**Short and plain**

We changed how limits work. You now see what is left before you send, and nothing you type is lost. If something fails,
you are not charged, and one click sends it again.

**Why this works:** it begins with what changed, says it from the reader's side, and ends with what they can do.`,
  coding: `\`\`\`ts
/** Groups items by a key, in the order in which the keys first appear. */
export function groupBy<T, K>(items: Iterable<T>, key: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const group = groups.get(key(item))
    if (group) group.push(item)
    else groups.set(key(item), [item])
  }
  return groups
}
\`\`\`

- A \`Map\` keeps the order and takes any key.
- One lookup per item; no copies.
- \`Object.groupBy\` does the same when the keys are strings.`,
}

/**
 * @param {{ role: string, content: unknown }[]} messages As sent to the provider: the system prompt names the agent.
 * @returns {string} Markdown.
 */
export function demoAnswer(messages) {
  const system = String(messages.find((message) => message.role === 'system')?.content ?? '')
  const question = String(messages.findLast((message) => message.role === 'user')?.content ?? '')
  const agent = Object.keys(OPENINGS).find((id) => system.includes(`${id} agent`)) ?? 'executive'
  const asked = messages.filter((message) => message.role === 'user').length

  const about = `**${firstWords(question)}** ${OPENINGS[agent]}`
  const memory = asked > 1 ? `\n\n*I read ${asked} of your messages in this conversation before I answered.*` : ''
  return `${about}\n\n${BODIES[agent]}${memory}`
}

function firstWords(text) {
  const words = text.replace(/[*_`#>|[\]]/g, '').trim().split(/\s+/)
  return words.length > 8 ? `${words.slice(0, 8).join(' ')} …` : words.join(' ')
}
