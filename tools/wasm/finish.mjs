// From what wasm-pack leaves in pkg/wasm to what a page loads.

import { readFileSync, writeFileSync } from 'node:fs'
import { optimized } from './optimized.mjs'
import { withoutPanics } from './panics.mjs'
import { withShortNames } from './short-names.mjs'
import { withoutWordsOfPanics } from './words.mjs'

const wasm = new URL('../../pkg/wasm/', import.meta.url)
const binary = new URL('production_chat_bg.wasm', wasm)
const scripts = ['production_chat.js', 'production_chat.d.ts', 'production_chat_bg.wasm.d.ts'].map((name) => new URL(name, wasm))

const { module, short } = withShortNames(withoutWordsOfPanics(optimized(withoutPanics(readFileSync(binary)))))
writeFileSync(binary, module)
for (const script of scripts) writeFileSync(script, quiet(short(readFileSync(script, 'utf8'))))

/**
 * Without the advice to who calls the glue, which is pkg/src/load.ts alone, and without `Symbol.dispose`, which nobody
 * calls and not every app's TypeScript knows.
 */
function quiet(script) {
  return script.replace(/^ *console\.warn\(.*$|^.*Symbol\.dispose.*$/gm, '')
}
