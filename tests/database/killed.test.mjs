// Real processes, really killed: the worker's own, and the server's that works for it. No hold outlives its time, no charge
// that was confirmed is lost.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { openDatabase } from './support/database.mjs'

const WORKER = fileURLToPath(new URL('support/worker.mjs', import.meta.url))
const SLOTS = 4

let db, users
before(async () => {
  // As in production: a confirmed commit survives a crash of the server.
  db = await openDatabase({ settings: ['synchronous_commit=on'] })
  db.pool.on('error', () => {}) // idle connections are ended by the crash as well
  await db.rows(`update public.license_tiers set max_messages_per_hour = 100000, max_messages_per_day = 100000,
    max_cost_per_day_micro_usd = 1000000000000, max_conversations = 100000 where tier = 'pro'`)
  users = await Promise.all(Array.from({ length: SLOTS }, () => db.newUser('pro')))
})
after(() => db?.close())

/** Starts a worker for a user and notes in `confirmed` what it says is charged. */
function startWorker(user, confirmed) {
  const child = spawn(process.execPath, [WORKER, db.server.connectionStringOf('chat'), user.id], { stdio: ['ignore', 'pipe', 'pipe'] })
  const worker = { child, turns: 0, complaints: '', ended: once(child, 'close') }
  child.stderr.setEncoding('utf8').on('data', (text) => { worker.complaints += text })
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    for (const [id, cost] of lines.map((line) => line.split(' '))) {
      confirmed.set(id, Number(cost))
      worker.turns += 1
    }
  })
  return worker
}

async function until(condition, what) {
  for (let tries = 0; tries < 3000; tries += 1) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`it did not come to this: ${what}`)
}

/** Nothing that was confirmed is lost; what is left unfinished ends when its time has come. */
async function assertNothingLost(confirmed) {
  await db.assertSound()
  const stored = new Map((await db.rows(`select id, cost_micro_usd from public.chat_turns where state = 'settled'`))
    .map((row) => [row.id, row.cost_micro_usd]))
  for (const [id, cost] of confirmed) assert.equal(stored.get(id), cost, id)
  const answers = (await db.row(`select count(*) as n from public.chat_messages where role = 'assistant' and status = 'complete'`)).n
  assert.equal(answers, stored.size)

  await db.rows(`update public.chat_turns set created_at = created_at - interval '16 minutes'`)
  while (await db.service('sweep_stale_turns', { p_limit: 10 }) > 0);
  assert.deepEqual(await db.rows(`select id from public.chat_turns where state in ('held', 'dispatched')`), [])
  const held = await db.rows('select * from public.chat_usage_tracking where messages_held <> 0 or cost_held_micro_usd <> 0')
  assert.deepEqual(held, [])
  await db.assertSound()
}

test('workers killed at random: what they confirmed is there, what they began ends', async () => {
  const confirmed = new Map()
  for (let round = 0; round < 3; round++) {
    const workers = users.map((user) => startWorker(user, confirmed))
    // At different points of their work, since they neither start nor go in step.
    await Promise.all(workers.map(async (worker, i) => {
      await until(() => worker.turns >= 2 + round * 3 + i, 'turns are settled')
      worker.child.kill('SIGKILL')
      const [, signal] = await worker.ended
      assert.deepEqual([signal, worker.complaints], ['SIGKILL', ''])
    }))
  }
  assert.ok(confirmed.size > 30)
  await assertNothingLost(confirmed)
})

test("a process of the server killed: after its recovery every confirmed charge is there", async () => {
  const confirmed = new Map()
  const workers = users.map((user) => startWorker(user, confirmed))
  await until(() => workers.every((worker) => worker.turns >= 5), 'turns are settled')
  const { pid } = await db.row(`select pid from pg_stat_activity
    where datname = current_database() and state = 'active' and pid <> pg_backend_pid() limit 1`) ?? await db.row(
    `select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() limit 1`)
  process.kill(pid, 'SIGKILL')
  await Promise.all(workers.map((worker) => worker.ended))
  assert.deepEqual(workers.map((worker) => worker.complaints), workers.map(() => ''))

  await until(async () => {
    const client = new pg.Client(db.server.connectionStringOf('chat'))
    client.on('error', () => {})
    return client.connect().then(() => client.end()).then(() => true, () => false)
  }, 'the server is back')
  await until(() => db.rows('select 1').then(() => true, () => false), 'the pool has let go of its dead connections')
  await assertNothingLost(confirmed)
})
