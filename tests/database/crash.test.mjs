// Workers die, connections break: after every step, and in the middle of it, the books are sound and the turn still ends.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, test } from 'node:test'
import { openDatabase } from './support/database.mjs'

let db
before(async () => { db = await openDatabase() })
afterEach(() => db.assertSound())
after(() => db?.close())

const STEPS = ['reserve', 'dispatch', 'flush', 'settle']

/** The statement of a step, with the values it is called with. */
function statement(step, user, turn) {
  const key = [user.orgId, turn.id, user.id]
  switch (step) {
    case 'reserve': return [`select public.reserve_turn($1, $2, $3, $4, true, 'executive', 'submit-message', 'Hello', 0, null, $5, 0, 'f')`,
      [...key, turn.conversationId, turn.answerId]]
    case 'dispatch': return ['select public.dispatch_turn($1, $2, $3)', key]
    case 'flush': return [`select public.flush_turn($1, $2, $3, 'Half')`, key]
    case 'settle': return [`select public.settle_turn($1, $2, $3, 'Whole', 'complete', 10, 0, 10)`, key]
    case 'release': return [`select public.release_turn($1, $2, $3, 'test')`, key]
  }
}

/** Runs a step and ends its connection before it can commit, as a crash of the server process would. */
async function runAndBreak(step, user, turn) {
  const client = await db.pool.connect()
  client.on('error', () => {}) // it is told that it was ended
  await client.query('begin')
  await client.query(...statement(step, user, turn))
  const { rows: [{ pid }] } = await client.query('select pg_backend_pid() as pid')
  await db.rows('select pg_terminate_backend($1, 5000)', [pid])
  client.release(true)
}

const newTurn = () => ({ id: randomUUID(), conversationId: randomUUID(), answerId: randomUUID() })
const run = (step, user, turn) => db.rows(...statement(step, user, turn))

test('a connection that breaks in the middle of a step leaves nothing of it, and the step can be repeated', async () => {
  const user = await db.newUser('pro')
  const turn = newTurn()
  for (const step of STEPS) {
    const before = await db.rows('select * from public.chat_turns where user_id = $1', [user.id])
    await runAndBreak(step, user, turn)
    assert.deepEqual(await db.rows('select * from public.chat_turns where user_id = $1', [user.id]), before, step)
    await db.assertSound()
    await run(step, user, turn)
  }
  assert.deepEqual(await db.rows('select state, cost_micro_usd from public.chat_turns where user_id = $1', [user.id]),
    [{ state: 'settled', cost_micro_usd: 40 }])
  const other = newTurn()
  await run('reserve', user, other)
  await runAndBreak('release', user, other)
  assert.equal((await db.row('select state from public.chat_turns where id = $1', [other.id])).state, 'held')
})

test('a worker that dies after any step: no hold outlives its time, and no charge is lost', async () => {
  for (const [index, expected] of ['released', 'expired_charged', 'expired_charged', 'settled'].entries()) {
    const user = await db.newUser('pro')
    const turn = newTurn()
    for (const step of STEPS.slice(0, index + 1)) await run(step, user, turn)
    await db.age(user, '16 minutes')
    while (await db.service('sweep_stale_turns', { p_limit: 10 }) > 0);
    const { state, cost_micro_usd: cost, hold_micro_usd: hold } = await db.row('select * from public.chat_turns where id = $1', [turn.id])
    assert.equal(state, expected, `after ${STEPS[index]}`)
    assert.equal(cost, { released: null, expired_charged: hold, settled: 40 }[expected])
    const { usage } = await db.rpc(user, 'quota_status')
    assert.deepEqual([usage.messagesToday.held, usage.costTodayMicroUsd.held, usage.liveTurnIds], [0, 0, []])
    await db.assertSound()
  }
})

test('all busy connections die at once: what was committed is there, the rest never was', async () => {
  const users = await Promise.all(Array.from({ length: 8 }, () => db.newUser('pro')))
  const work = users.map(async (user) => {
    for (let i = 0; i < 50; i++) {
      const turn = newTurn()
      for (const step of STEPS) await run(step, user, turn)
    }
  })
  const outcomes = Promise.allSettled(work)
  await db.rows('select pg_sleep(0.3)')
  await db.rows(`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`)
  await outcomes
  await db.reconnect()
  await db.assertSound()
  for (const user of users) await db.age(user, '16 minutes')
  while (await db.service('sweep_stale_turns', { p_limit: 10 }) > 0);
  assert.deepEqual(await db.rows(`select id from public.chat_turns where user_id = any ($1) and state in ('held', 'dispatched')`,
    [users.map((user) => user.id)]), [])
})
