// A module in its binary format: sections of entries, numbers in LEB128, texts after their length.
// https://webassembly.github.io/spec/core/binary/modules.html

export const CUSTOM = 0
export const IMPORTS = 2
export const EXPORTS = 7
export const CODE = 10
export const DATA = 11

/** The magic and the version. */
const HEAD = 8

/** The module's sections, in order. */
export function sections(module) {
  const found = []
  for (let at = HEAD; at < module.length; ) {
    const size = number(module, at + 1)
    const end = size.end + size.value
    found.push({ id: module[at], content: module.subarray(size.end, end) })
    at = end
  }
  return found
}

/** A module of these sections. */
export function assembled(module, sections) {
  const pieces = sections.map(({ id, content }) => Buffer.concat([Buffer.from([id, ...leb(content.length)]), content]))
  return Buffer.concat([module.subarray(0, HEAD), ...pieces])
}

/** A whole number, and where it ends. */
export function number(bytes, at) {
  let value = 0
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]
    value += (byte & 127) * 2 ** shift
    if (byte < 128) return { value, end: at }
  }
}

/** A text, and where it ends. */
export function text(bytes, at) {
  const length = number(bytes, at)
  const end = length.end + length.value
  return { value: bytes.toString('utf8', length.end, end), end }
}

/** A whole number as the format writes it. */
export function leb(value) {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(Math.floor(value / 128))]
}
