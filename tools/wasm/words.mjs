// What a panic would have said: where it was, of which every place has a record (file, line and column), and in which
// words. Panics say nothing here (panics.mjs), so nothing reads them, and zeros compress to nothing. A
// quarter of a kilobyte of what a page loads.

import { assembled, DATA, number, sections } from './sections.mjs'

/** `core::panic::Location`: where the name of the file is, how long it is, line and column. */
const WORD = 4
const RECORD = 4 * WORD
const FILE = /^[\w\-./]+\.rs$/
const I32_CONST = 0x41
/** The sentences of the standard library's panics. `\xc0` is where `format_args!` would put a value, between lengths and a final 0. */
const WORDS = new RegExp(
  [
    ...[/slice index starts at \xc0.{1,60}? ends at \xc0/, /index out of bounds: the len is \xc0.{1,60}? index is \xc0/],
    ...[/range (start|end) index \xc0.{1,60}? out of range for slice of length \xc0/],
    ...[/assertion `left \xc0.{1,60}? right: \xc0/, /.at. split index \(is \xc0.{1,60}? len \(is \xc0.\)/],
    ...[/(insertion|removal) index \(is \xc0.{1,60}? len \(is \xc0.\)/, /assertion failed: self\.is_char_boundary\(new_len\)/],
    ...[/called `(Option|Result)::unwrap\(\)` on an? `\w+` value/, /attempt to join into collection with len > usize::MAX/],
    ...[/attempt to divide by zero/, /internal error: entered unreachable code/, /RefCell already (mutably )?borrowed/],
    ...[/`async fn` resumed after completion/, /LazyCell instance has previously been poisoned/, /==!=matches/],
    ...[/Tried to shrink to a larger capacity/, /(Hash table )?capacity overflow/],
  ].map(({ source }) => source).join('|'),
  'gs',
)

/** The module with all records of places, the names of their files and the words of panics zero. */
export function withoutWordsOfPanics(module) {
  const clean = sections(Buffer.from(module))
  const data = clean.find(({ id }) => id === DATA)
  let places = 0
  let sentences = 0
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
    for (const { index, 0: sentence } of bytes.toString('latin1').matchAll(WORDS)) {
      bytes.fill(0, index, index + sentence.length)
      sentences += 1
    }
  }
  if (places === 0) throw new Error('The module has no places of panics, or their records have a new form.')
  if (sentences === 0) throw new Error('The standard library’s panics have no words any more, or other ones.')
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
