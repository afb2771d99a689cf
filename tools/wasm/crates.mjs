// Whose code the module is made of: the bytes of its functions, by the crate that their names begin with.
//
// Release modules have no names, so the compiled crate is taken through the same steps once more with its names kept.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { optimized } from './optimized.mjs'
import { withoutPanics } from './panics.mjs'
import { CODE, CUSTOM, IMPORTS, number, sections, text } from './sections.mjs'

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

const FUNCTION_NAMES = 1

/** The functions of a module: their names and how long their code is. */
function functions(module) {
  let imported = 0
  let bodies = []
  const names = new Map()
  for (const { id, content } of sections(module)) {
    // All of them are functions: short-names.mjs refuses others.
    if (id === IMPORTS) imported = number(content, 0).value
    if (id === CODE) bodies = lengths(content)
    if (id === CUSTOM && text(content, 0).value === 'name') addNames(names, content)
  }
  return bodies.map((bytes, index) => ({ bytes, name: names.get(index + imported) ?? '' }))
}

function lengths(content) {
  const count = number(content, 0)
  const bodies = []
  for (let at = count.end; bodies.length < count.value; ) {
    const length = number(content, at)
    bodies.push(length.value)
    at = length.end + length.value
  }
  return bodies
}

function addNames(names, content) {
  for (let at = text(content, 0).end; at < content.length; ) {
    const kind = content[at]
    const size = number(content, at + 1)
    at = size.end + size.value
    if (kind !== FUNCTION_NAMES) continue
    const count = number(content, size.end)
    for (let left = count.value, place = count.end; left > 0; left--) {
      const index = number(content, place)
      const name = text(content, index.end)
      names.set(index.value, name.value)
      place = name.end
    }
  }
}
