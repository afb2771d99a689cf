// Whose code the module is made of: the bytes of its functions, by the crate that their names begin with.
//
// Release modules have no names, so the compiled crate is taken through the same steps once more with its names kept.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { optimized } from './optimized.mjs'
import { withoutPanics } from './panics.mjs'

const root = resolve(import.meta.dirname, '../..')
const COMPILED = join(root, 'target/wasm32-unknown-unknown/release/production_chat.wasm')
const STANDARD = new Set(['alloc', 'core', 'std', 'compiler_builtins', '__rustc'])
/** Crates that belong together, by the name people know. */
const FAMILIES = {
  serde_core: 'serde',
  serde_wasm_bindgen: 'serde-wasm-bindgen',
  wasm_bindgen: 'wasm-bindgen',
  wasm_bindgen_futures: 'wasm-bindgen-futures',
  js_sys: 'js-sys',
  web_sys: 'web-sys',
  gloo_net: 'gloo-net',
  gloo_utils: 'gloo-net',
  http: 'gloo-net',
  gloo_storage: 'gloo-storage',
  hashbrown: 'lru',
  production_chat: 'production-chat itself',
}

/** Bytes of code by crate, the most first. */
export function codeByCrate() {
  const module = withNames()
  const sizes = new Map()
  for (const { name, bytes } of functions(module)) {
    const crate = crateOf(name)
    sizes.set(crate, (sizes.get(crate) ?? 0) + bytes)
  }
  return [...sizes].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => b.bytes - a.bytes)
}

function withNames() {
  const dir = mkdtempSync(join(tmpdir(), 'production-chat-size-'))
  try {
    execFileSync('wasm-bindgen', ['--target', 'web', '--out-dir', dir, '--out-name', 'named', COMPILED])
    return optimized(withoutPanics(readFileSync(join(dir, 'named_bg.wasm'))), { keepNames: true })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** `<alloc::vec::Vec<T> as core::clone::Clone>::clone` is the standard library's, whatever it is a vector of. */
function crateOf(name) {
  const crate = /^[<&*()\s]*(?:mut |dyn |impl )*([A-Za-z_]\w*)/.exec(name)?.[1] ?? ''
  // `u32` and `T` are of no crate: what is done with them is the standard library's.
  if (STANDARD.has(crate) || /^([A-Z]|[iu]\d+|[iu]size|str|bool)$/.test(crate)) return 'the standard library'
  return FAMILIES[crate] ?? (crate !== '' && name.includes('::') ? crate : 'the rest (shims, allocator)')
}

/** The functions of a module: their names and how long their code is. */
function functions(module) {
  let place = 8
  const number = () => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = module[place++]
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
  }
  const text = () => {
    const length = number()
    place += length
    return module.toString('utf8', place - length, place)
  }
  let imported = 0
  const bodies = []
  const names = new Map()
  while (place < module.length) {
    const id = module[place++]
    const size = number()
    const end = place + size
    if (id === IMPORTS) imported = countFunctions(number, text, () => module[place++])
    if (id === CODE) {
      for (let left = number(); left > 0; left--) {
        const bytes = number()
        bodies.push(bytes)
        place += bytes
      }
    }
    if (id === CUSTOM && text() === 'name') {
      while (place < end) {
        const kind = module[place++]
        const next = number() + place
        if (kind === FUNCTION_NAMES) for (let left = number(); left > 0; left--) names.set(number(), text())
        place = next
      }
    }
    place = end
  }
  return bodies.map((bytes, index) => ({ bytes, name: names.get(index + imported) ?? '' }))
}

// https://webassembly.github.io/spec/core/binary/modules.html
const CUSTOM = 0
const IMPORTS = 2
const CODE = 10
const FUNCTION_NAMES = 1

function countFunctions(number, text, byte) {
  let functions = 0
  for (let left = number(); left > 0; left--) {
    text()
    text()
    const kind = byte()
    if (kind === 0) functions++
    if (kind === 0) number()
    if (kind === 1) byte()
    if (kind === 1 || kind === 2) {
      const flags = number()
      number()
      if (flags & 1) number()
    }
    if (kind === 3) byte(), byte()
    if (kind === 4) byte(), number()
  }
  return functions
}
