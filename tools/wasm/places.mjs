// Every place that might panic has a record of its file, line and column, for what a panic would have said. Without that
// (panics.mjs) nothing reads them, and zeros compress to nothing.

import { assembled, DATA, number, sections } from './sections.mjs'

/** `core::panic::Location`: where the name of the file is, how long it is, line and column. */
const WORD = 4
const RECORD = 4 * WORD
const FILE = /^[\w\-./]+\.rs$/
const I32_CONST = 0x41

/** The module with all records of places, and the names of their files, zero. */
export function withoutPlaces(module) {
  const clean = sections(Buffer.from(module))
  const data = clean.find(({ id }) => id === DATA)
  let places = 0
  for (const { address, bytes } of segments(data.content)) {
    const files = []
    for (let at = 0; at + RECORD <= bytes.length; at += WORD) {
      const start = bytes.readUInt32LE(at) - address
      const end = start + bytes.readUInt32LE(at + WORD)
      if (start < 0 || end > bytes.length || !FILE.test(bytes.toString('latin1', start, end))) continue
      files.push([start, end])
      bytes.fill(0, at, at + RECORD)
      places += 1
    }
    for (const [start, end] of files) bytes.fill(0, start, end)
  }
  if (places === 0) throw new Error('The module has no places of panics, or their records have a new form.')
  return assembled(module, clean)
}

/** What the memory holds from the start: each piece's address and bytes. */
function segments(content) {
  const count = number(content, 0)
  const found = []
  let at = count.end
  for (let left = count.value; left > 0; left--) {
    const isAtAnAddress = content[at] === 0 && content[at + 1] === I32_CONST
    if (!isAtAnAddress) throw new Error('A segment of data has no fixed address.')
    const address = number(content, at + 2)
    const length = number(content, address.end + 1)
    at = length.end + length.value
    found.push({ address: address.value, bytes: content.subarray(length.end, at) })
  }
  return found
}
