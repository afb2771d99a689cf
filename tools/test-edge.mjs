// The edge function's tests: Deno, lite and a provider with faults, on a real PostgreSQL; then the books are audited.
// Arguments go to `deno test`: node tools/test-edge.mjs --filter=stop

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import pg from 'pg'
import { startTestProvider } from './stack/test-provider.mjs'
import { startPostgres } from './postgres.mjs'
import { startStack } from './stack.mjs'

const dataDir = await mkdtemp(join(tmpdir(), 'production-chat-edge-'))
const provider = await startTestProvider()
const postgres = await startPostgres({ databases: ['edge'] })
const databaseUrl = postgres.connectionStringOf('edge')
let stack
let failed = true

try {
  stack = await startStack({
    dataDir,
    databaseUrl,
    provider,
    seed: false,
    onDeath: (error) => console.error(`✘ ${error.message}`),
  })
  failed = (await runTests()) !== 0
  const findings = await audit()
  if (findings.length > 0) {
    failed = true
    console.error('✘ the books do not add up: audit_usage() found', findings)
  }
} finally {
  await stack?.stop()
  await postgres.stop()
  await provider.stop()
  await rm(dataDir, { recursive: true, force: true })
}
process.exit(failed ? 1 : 0)

async function runTests() {
  const child = spawn(
    'deno',
    [
      'test',
      '--quiet',
      '--config=tests/edge/deno.json',
      '--lock=tests/edge/deno.lock',
      '--frozen',
      '--allow-env',
      '--allow-net',
      '--allow-run=deno',
      ...process.argv.slice(2),
      'tests/edge',
    ],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        DENO_DIR: resolve('.tools/deno'),
        EDGE_SUPABASE_URL: stack.supabaseUrl,
        EDGE_FUNCTIONS_URL: stack.functionsUrl,
        EDGE_DATABASE_URL: databaseUrl,
        EDGE_PUBLISHABLE_KEY: stack.keys.publishable,
        EDGE_SECRET_KEY: stack.keys.secret,
        EDGE_JWT_SECRET: stack.keys.jwtSecret,
        EDGE_PROVIDER_URL: provider.baseUrl,
        EDGE_PROVIDER_KEY: provider.apiKey,
      },
    },
  )
  const [code] = await once(child, 'exit')
  return code
}

/** The invariant "sum of turns = counters", over everything the tests did. */
async function audit() {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  try {
    return (await client.query('select * from public.audit_usage()')).rows
  } finally {
    await client.end()
  }
}
