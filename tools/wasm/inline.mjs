// Writes the WebAssembly module into a script, compressed: pkg/wasm/inlined.js, for set-ups that cannot serve a file.

import { readFile, writeFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'

const wasm = new URL('../../pkg/wasm/', import.meta.url)
const gzipped = gzipSync(await readFile(new URL('production_chat_bg.wasm', wasm)), { level: 9 }).toString('base64')
await writeFile(new URL('inlined.js', wasm), `export const GZIPPED = '${gzipped}'\n`)
await writeFile(
  new URL('inlined.d.ts', wasm),
  '/** The bytes of production_chat_bg.wasm: gzip, then base64. */\nexport declare const GZIPPED: string\n',
)
