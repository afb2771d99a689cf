// The names between the module and its script end in hashes, which nothing compresses: sixteen letters for every import,
// in both files. Numbers of the same length in their place keep the binary's layout and are two kilobytes less.

import { readFile, writeFile } from 'node:fs/promises'

const wasm = new URL('../pkg/wasm/', import.meta.url)
const files = ['production_chat.js', 'production_chat_bg.wasm', 'production_chat_bg.wasm.d.ts'].map((name) => new URL(name, wasm))
// As latin1 every byte is a letter, so a binary survives.
const read = await Promise.all(files.map((file) => readFile(file, 'latin1')))

const known = new Map()
const counts = new Map()
function numbered(name, stem) {
  if (!known.has(name)) {
    const count = counts.get(stem) ?? 0
    counts.set(stem, count + 1)
    known.set(name, stem + String(count).padStart(16, '0'))
  }
  return known.get(name)
}

// Only the names that the script has: what looks like one elsewhere in the binary is none.
read[0].replace(/\b(__wbg_\w+_|wasm_bindgen_\w+_h)[0-9a-f]{16}(?![0-9a-f])/g, numbered)
const hashed = new RegExp([...known.keys()].join('|'), 'g')
const renamed = read.map((content) => content.replace(hashed, (name) => known.get(name)))
await Promise.all(files.map((file, place) => writeFile(file, renamed[place], 'latin1')))
