// What a page loads for the hook without components, brotli-compressed; fails above the budget.
//
// The page is built by Vite as an app would be, with React left out: an app has it anyway.

import { relative, resolve } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import { build } from 'vite'

/** Bytes. 1 KB is 1,000 of them. */
const BUDGET = 75_000

const PAGE = 'virtual:page'
const SOURCE = `
import { createProductionChat } from 'production-chat'
import { ProductionChatProvider, useProductionChat } from 'production-chat/react'
globalThis.app = { createProductionChat, ProductionChatProvider, useProductionChat }
`

const root = resolve(import.meta.dirname, '..')
const pkg = resolve(root, 'pkg')

const { output } = await build({
  root: resolve(root, 'www'),
  configFile: false,
  logLevel: 'error',
  plugins: [
    {
      name: 'page',
      resolveId: (id) => (id === PAGE ? `\0${PAGE}` : null),
      load: (id) => (id === `\0${PAGE}` ? SOURCE : null),
    },
  ],
  build: { write: false, copyPublicDir: false, rollupOptions: { input: PAGE, external: [/^react($|\/)/, /^react-dom($|\/)/] } },
})

const wasm = output.filter((file) => file.fileName.endsWith('.wasm'))
const scripts = loaded(output.find((file) => file.isEntry))
if (wasm.length !== 1) throw new Error(`The page should refer to one module, not ${wasm.length}.`)

const parts = [
  ...wasm.map((file) => ({ name: 'the module (wasm)', bytes: file.source.length, size: brotli(file.source) })),
  ...scripts.map((file) => ({ name: 'its scripts (glue and binding)', bytes: file.code.length, size: brotli(file.code) })),
]
const total = parts.reduce((sum, part) => sum + part.size, 0)

print([...parts, { name: 'together', bytes: parts.reduce((sum, part) => sum + part.bytes, 0), size: total }])
console.log('\nof the scripts, each compressed alone:')
print(
  scripts
    .flatMap((file) => Object.entries(file.modules))
    .map(([id, { code }]) => ({ name: relative(pkg, id), bytes: code?.length ?? 0, size: brotli(code ?? '') }))
    .filter((part) => part.bytes > 0 && !part.name.includes('\0'))
    .sort((a, b) => b.size - a.size),
)

if (total > BUDGET) {
  console.error(`\n✘ ${kb(total)} KB are more than the budget of ${kb(BUDGET)} KB.`)
  process.exit(1)
}
console.log(`\n✔ ${kb(total)} KB of ${kb(BUDGET)} KB`)

/** A chunk and what it imports at once; what it imports only when needed does not count. */
function loaded(chunk, seen = new Set()) {
  if (seen.has(chunk)) return []
  seen.add(chunk)
  const imported = chunk.imports.map((name) => output.find((file) => file.fileName === name)).filter(Boolean)
  return [chunk, ...imported.flatMap((next) => loaded(next, seen))]
}

function brotli(data) {
  return brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }).length
}

function kb(bytes) {
  return (bytes / 1000).toFixed(1)
}

function print(rows) {
  const width = Math.max(...rows.map(({ name }) => name.length))
  for (const { name, bytes, size } of rows) {
    console.log(`  ${name.padEnd(width)}  ${kb(bytes).padStart(7)} KB  ${kb(size).padStart(6)} KB brotli`)
  }
}
