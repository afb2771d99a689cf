// What a page loads for the hook without components, brotli-compressed; fails above the budget.
//
// The page is built by Vite as an app would be, with React left out: an app has it anyway.

import { relative, resolve } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import { build } from 'vite'
import { codeByCrate } from './wasm/crates.mjs'

/** Bytes. 1 KB is 1,000 of them. */
const BUDGET = 75_000

const PAGE = 'virtual:page'
const HOOK = `
import { createProductionChat } from 'production-chat'
import { ProductionChatProvider, useProductionChat } from 'production-chat/react'
globalThis.app = { createProductionChat, ProductionChatProvider, useProductionChat }
`
const COMPONENTS = `${HOOK}
import { ChatThread, MessageComposer, QuotaIndicator, UpgradePrompt } from 'production-chat/react'
Object.assign(globalThis.app, { ChatThread, MessageComposer, QuotaIndicator, UpgradePrompt })
`

const root = resolve(import.meta.dirname, '..')
const pkg = resolve(root, 'pkg')

const output = await page(HOOK)
const wasm = output.filter((file) => file.fileName.endsWith('.wasm'))
const scripts = loaded(output)
if (wasm.length !== 1) throw new Error(`The page should refer to one module, not ${wasm.length}.`)

const module = sum(wasm.map((file) => ({ bytes: file.source.length, size: brotli(file.source) })))
const binding = sum(scripts.map((file) => ({ bytes: file.code.length, size: brotli(file.code) })))
const all = sum([module, binding])
const withComponents = sum(loaded(await page(COMPONENTS)).map((file) => ({ bytes: file.code.length, size: brotli(file.code) })))

import {writeFileSync as wf} from 'node:fs'; wf('/tmp/page.js', scripts.map(f=>f.code).join('\n//----\n')); console.log('EXACT', all.size)
print([
  { name: 'the module (wasm)', ...module },
  { name: 'its scripts (glue and binding)', ...binding },
  { name: 'together', ...all },
  { name: 'more with every component', bytes: withComponents.bytes - binding.bytes, size: withComponents.size - binding.size },
])

console.log('\nThe module by crate: bytes of code, and their share of the compressed module')
const crates = codeByCrate()
const code = sum(crates.map(({ bytes }) => ({ bytes, size: 0 }))).bytes
print(crates.map(({ name, bytes }) => ({ name, bytes, size: (module.size * bytes) / code })))

console.log('\nThe scripts by file, each compressed alone')
print(
  scripts
    .flatMap((file) => Object.entries(file.modules))
    .map(([id, { code }]) => ({ name: relative(pkg, id), bytes: code?.length ?? 0, size: brotli(code ?? '') }))
    .filter((part) => part.bytes > 0 && !part.name.includes('\0'))
    .sort((a, b) => b.size - a.size),
)

if (all.size > BUDGET) {
  console.error(`\n✘ ${kb(all.size)} KB are more than the budget of ${kb(BUDGET)} KB.`)
  process.exit(1)
}
console.log(`\n✔ ${kb(all.size)} KB of ${kb(BUDGET)} KB`)

/** A page of this source, as a bundler makes it. */
async function page(source) {
  const { output } = await build({
    root: resolve(root, 'www'),
    configFile: false,
    logLevel: 'error',
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id === PAGE ? `\0${PAGE}` : null),
        load: (id) => (id === `\0${PAGE}` ? source : null),
      },
    ],
    build: { write: false, copyPublicDir: false, rollupOptions: { input: PAGE, external: [/^react($|\/)/, /^react-dom($|\/)/] } },
  })
  return output
}

/** The scripts that a page loads at once; what it imports only when needed does not count. */
function loaded(output) {
  const seen = new Set()
  const load = (chunk) => {
    if (chunk === undefined || seen.has(chunk)) return
    seen.add(chunk)
    for (const name of chunk.imports) load(output.find((file) => file.fileName === name))
  }
  load(output.find((file) => file.isEntry))
  return [...seen]
}

function brotli(data) {
  return brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }).length
}

function sum(parts) {
  return parts.reduce((sum, part) => ({ bytes: sum.bytes + part.bytes, size: sum.size + part.size }), { bytes: 0, size: 0 })
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
