// `make demo`: the whole product on this machine, at one address, until Ctrl-C.
//
//   node tools/demo.mjs [--data DIR] [--port N] [--quiet]

import { parseArgs } from 'node:util'
import { DEMO_PASSWORD, DEMO_USERS, startStack } from './stack.mjs'

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '.local' },
    port: { type: 'string', default: '5173' },
    quiet: { type: 'boolean', default: false },
  },
})
const say = values.quiet ? () => {} : (line) => console.log(line)
const { OPENAI_API_KEY, OPENAI_BASE_URL } = process.env
const started = Date.now()

const leave = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => leave.abort())

const fail = (error) => {
  console.error(`\n✘ ${error.message}`)
  process.exit(1)
}

const stack = await startStack({
  dataDir: values.data,
  appPort: Number(values.port),
  provider:
    OPENAI_API_KEY || OPENAI_BASE_URL ? { apiKey: OPENAI_API_KEY ?? 'none', baseUrl: OPENAI_BASE_URL } : undefined,
  signal: leave.signal,
  onProgress: (line) => say(`▸ ${line}`),
  onDeath: fail,
}).catch((error) => (leave.signal.aborted ? process.exit(0) : fail(error)))

leave.signal.addEventListener('abort', async () => {
  say('\n▸ stopping')
  await stack.stop()
  process.exit(0)
})

say(`\n  Sign in as ${DEMO_USERS.join(', ')}\n  Password   ${DEMO_PASSWORD}\n  Ctrl-C ends it. (${((Date.now() - started) / 1000).toFixed(1)} s)\n`)
console.log(`✔ ready: ${stack.url}`)
