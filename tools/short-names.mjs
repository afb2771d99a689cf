// The module and its script call each other by long names, many with hashes, which nothing compresses. Nobody else reads
// them, so letters do.

import { readFile, writeFile } from 'node:fs/promises'

const wasm = new URL('../pkg/wasm/', import.meta.url)
const scripts = ['production_chat.js', 'production_chat.d.ts', 'production_chat_bg.wasm.d.ts'].map((name) => new URL(name, wasm))
const binary = new URL('production_chat_bg.wasm', wasm)

const IMPORTS = 2
const EXPORTS = 7
const HEAD = 8

const known = new Map()
const module = await readFile(binary)
const pieces = [module.subarray(0, HEAD)]
for (let at = HEAD; at < module.length; ) {
  const id = module[at]
  const size = number(module, at + 1)
  const content = module.subarray(size.end, size.end + size.value)
  const renamed = id === IMPORTS ? imports(content) : id === EXPORTS ? exports(content) : content
  pieces.push(Buffer.from([id, ...leb(renamed.length)]), renamed)
  at = size.end + size.value
}
await writeFile(binary, Buffer.concat(pieces))

const long = new RegExp(`\\b(${[...known.keys()].join('|')})\\b`, 'g')
for (const script of scripts) {
  const text = await readFile(script, 'utf8')
  await writeFile(script, text.replace(long, (name) => known.get(name)))
}

/** Every import: its module's name, its own, what it is. */
function imports(content) {
  return renamed(content, (at) => {
    const own = text(content, text(content, at).end)
    const kind = content[own.end]
    const type = number(content, own.end + 1)
    if (kind !== 0) throw new Error(`${own.value} is imported, and is no function.`)
    return { before: at, own, end: type.end }
  })
}

/** Every export: its name, what it is. */
function exports(content) {
  return renamed(content, (at) => {
    const own = text(content, at)
    return { before: at, own, end: number(content, own.end + 1).end }
  })
}

function renamed(content, entry) {
  const count = number(content, 0)
  const pieces = [content.subarray(0, count.end)]
  let at = count.end
  for (let left = count.value; left > 0; left--) {
    const { before, own, end } = entry(at)
    const start = own.end - own.value.length - leb(own.value.length).length
    const name = Buffer.from(short(own.value))
    pieces.push(content.subarray(before, start), Buffer.from(leb(name.length)), name, content.subarray(own.end, end))
    at = end
  }
  return Buffer.concat(pieces)
}

function short(name) {
  // Known to everyone.
  if (name === 'memory') return name
  if (!known.has(name)) known.set(name, letters(known.size))
  return known.get(name)
}

function letters(count) {
  const letter = String.fromCharCode(97 + (count % 26))
  return count < 26 ? `$${letter}` : letters(Math.floor(count / 26) - 1) + letter
}

function text(bytes, at) {
  const length = number(bytes, at)
  const end = length.end + length.value
  return { value: bytes.toString('utf8', length.end, end), end }
}

/** A whole number as the format writes it (LEB128). */
function number(bytes, at) {
  let value = 0
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]
    value += (byte & 127) * 2 ** shift
    if (byte < 128) return { value, end: at }
  }
}

function leb(value) {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(Math.floor(value / 128))]
}
