// The module and its script call each other by long names, many with hashes, which nothing compresses. Nobody else reads
// them, so letters do.

import { assembled, EXPORTS, IMPORTS, leb, number, sections, text } from './sections.mjs'

/** The module by its short names, and `short`, which makes a text use them too. */
export function withShortNames(module) {
  const known = new Map()
  const renamed = sections(module).map(({ id, content }) => {
    const entry = id === IMPORTS ? imported : id === EXPORTS ? exported : null
    return { id, content: entry === null ? content : withNames(content, entry, known) }
  })
  const long = new RegExp(`\\b(${[...known.keys()].join('|')})\\b`, 'g')
  return { module: assembled(module, renamed), short: (text) => text.replace(long, (name) => known.get(name)) }
}

/** An import: its module's name, its own, what it is. */
function imported(content, at) {
  const own = text(content, text(content, at).end)
  const kind = content[own.end]
  const type = number(content, own.end + 1)
  if (kind !== 0) throw new Error(`${own.value} is imported, and is no function.`)
  return { own, end: type.end }
}

/** An export: its name, what it is. */
function exported(content, at) {
  const own = text(content, at)
  return { own, end: number(content, own.end + 1).end }
}

/** A section of entries, each with the short name of what it names. `known` grows. */
function withNames(content, entry, known) {
  const count = number(content, 0)
  const pieces = [content.subarray(0, count.end)]
  let at = count.end
  for (let left = count.value; left > 0; left--) {
    const { own, end } = entry(content, at)
    const start = own.end - own.value.length - leb(own.value.length).length
    const name = Buffer.from(short(own.value, known))
    pieces.push(content.subarray(at, start), Buffer.from(leb(name.length)), name, content.subarray(own.end, end))
    at = end
  }
  return Buffer.concat(pieces)
}

function short(name, known) {
  // Known to everyone.
  if (name === 'memory') return name
  if (!known.has(name)) known.set(name, letters(known.size))
  return known.get(name)
}

function letters(count) {
  const letter = String.fromCharCode(97 + (count % 26))
  return count < 26 ? `$${letter}` : letters(Math.floor(count / 26) - 1) + letter
}
