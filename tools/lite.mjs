// Supabase on this machine: the REST and Auth APIs of @supabase/lite, on PGlite or on a real PostgreSQL.
// One process of its own, because PGlite computes where it runs and would stall the dev server.
//
// Environment: what supabase/lite.toml names, and LITE_SEED (a SQL file run once, into a database without users).
// Prints `listening <port>` on standard output when it serves. Ends when standard input ends.

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { applyPendingMigrations, createApi } from '@supabase/lite/cli'

const started = Date.now()
const step = (words) => process.stderr.write(`${words} (${Date.now() - started} ms)\n`)

const api = await createApi({ withSupabaseClient: false })
// The keyless admin mode is off: the demo is as closed as production.
const app = await api.project.local.createApp('./supabase/lite.toml', { admin: false })
step('database open')

const { applied } = await applyPendingMigrations(app)
step(`${applied.length} migrations applied`)

if (process.env.LITE_SEED && (await isEmpty())) {
  await runSeed(await readFile(process.env.LITE_SEED, 'utf8'))
  step('seeded')
}

// lite finishes its set-up with the first request of each role; first requests that come together would fail.
for (const key of [process.env.SUPABASE_PUBLISHABLE_KEY, process.env.SUPABASE_SECRET_KEY]) {
  await app.fetch(new Request('http://127.0.0.1/rest/v1/license_tiers?limit=1', { headers: { apikey: key } }))
}
step('warm')

const server = createServer(
  getRequestListener((request, { incoming }) =>
    app.fetch(request, { peerAddress: incoming.socket.remoteAddress ?? null }),
  ),
)
server.listen(0, '127.0.0.1', () => process.stdout.write(`listening ${server.address().port}\n`))

async function leave() {
  server.close()
  server.closeAllConnections()
  // PGlite writes its last pages on close.
  await app.connection.close().catch(() => {})
  process.exit(0)
}
process.once('SIGINT', leave).once('SIGTERM', leave)
process.stdin.resume().once('end', leave)

async function isEmpty() {
  const { rows } = await app.connection.exec('select exists (select from auth.users) as has_users')
  return !rows[0].has_users
}

/** A seed is many statements: PGlite and postgres.js each have their own name for "run this script". */
async function runSeed(script) {
  const { driver } = app.connection
  await (driver.exec ? driver.exec(script) : driver.unsafe(script).simple())
}
