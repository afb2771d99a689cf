// Two ends of one turn at the same moment, and limits that change while they are enforced.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, test } from 'node:test'
import { openDatabase } from './support/database.mjs'

const CONNECTIONS = 64

let db
before(async () => {
  db = await openDatabase()
  await Promise.all(Array.from({ length: CONNECTIONS }, () => db.rows('select 1'))) // all connected before the race
})
afterEach(() => db.assertSound())
after(() => db?.close())

/** Turns of one user at the provider, with half an answer. */
async function dispatched(n, tier = 'pro') {
  const user = await db.newUser(tier)
  const turns = []
  for (let i = 0; i < n; i++) {
    const { id, turn, conversationId } = await db.reserve(user)
    await db.turn('dispatch_turn', user, id)
    await db.turn('flush_turn', user, id, { p_content: 'Half' })
    turns.push({ id, hold: turn.holdMicroUsd, conversationId })
  }
  return { user, turns }
}

const stored = (turn) => db.row(`select t.state, t.cost_micro_usd as cost, m.content, m.status from public.chat_turns t
  left join public.chat_messages m on m.org_id = t.org_id and m.id = t.answer_id where t.id = $1`, [turn.id])

test('a stop racing the end: the answer that was recorded stays, with its charge', async () => {
  const { user, turns } = await dispatched(30)
  await Promise.all(turns.flatMap((turn) => [
    db.settle(user, turn.id, { content: 'Whole', prompt: 10, completion: 5 }), // the provider was faster
    db.turn('stop_turn', user, turn.id),
    db.settle(user, turn.id, { content: 'Half', status: 'stopped', prompt: null, completion: null }), // the stop was
  ]))
  for (const turn of turns) {
    const end = await stored(turn)
    const expected = end.content === 'Whole' ? [30, 'complete'] : [2 * (108 + 13 + 4), 'stopped']
    assert.deepEqual([end.state, end.cost, end.status], ['settled', ...expected])
  }
})

test('a sweep racing the end: the charge is what the provider billed, whoever was first', async () => {
  const { user, turns } = await dispatched(30)
  await db.age(user, '16 minutes')
  const sweeps = Promise.all(Array.from({ length: 15 }, () => db.service('sweep_stale_turns', { p_limit: 2 })))
  await Promise.all(turns.map((turn) => db.settle(user, turn.id, { content: 'Whole', prompt: 10, completion: 5 })))
  await sweeps
  for (const turn of turns) {
    assert.deepEqual(await stored(turn), { state: 'settled', cost: 30, content: 'Whole', status: 'complete' })
  }
})

test('a resume racing the end of a worker that was silent: the same', async () => {
  const { user, turns } = await dispatched(30)
  await db.age(user, '31 seconds')
  await Promise.all(turns.flatMap((turn) => [
    db.turn('read_turn', user, turn.id, { p_after: 0 }),
    db.settle(user, turn.id, { content: 'Whole', prompt: 10, completion: 5 }),
    db.turn('stop_turn', user, turn.id),
  ]))
  for (const turn of turns) {
    assert.deepEqual(await stored(turn), { state: 'settled', cost: 30, content: 'Whole', status: 'complete' })
  }
})

test('two ends that disagree: one is recorded, and both are told the same', async () => {
  const { user, turns: [turn] } = await dispatched(1)
  const replies = await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) =>
    db.settle(user, turn.id, { content: `Answer ${i}`, prompt: i, completion: 1 })))
  assert.equal(new Set(replies.map((reply) => JSON.stringify([reply.turn, reply.message]))).size, 1)
  assert.equal(replies[0].turn.costMicroUsd, (await db.rpc(user, 'quota_status')).usage.costTodayMicroUsd.used)
})

test('a release racing a dispatch: the hold goes back once, and nothing is charged afterwards', async () => {
  const user = await db.newUser('pro')
  for (let round = 0; round < 20; round++) {
    const { id } = await db.reserve(user)
    await Promise.all([
      db.turn('dispatch_turn', user, id), db.turn('release_turn', user, id, { p_reason: 'test' }),
      db.turn('dispatch_turn', user, id), db.turn('release_turn', user, id, { p_reason: 'test' }),
    ])
    assert.equal((await db.settle(user, id)).outcome, 'released')
    assert.deepEqual((await db.rpc(user, 'quota_status')).usage.costTodayMicroUsd, { used: 0, held: 0 })
  }
})

/** Starts `call`, lets it get as far as the lock of a conversation, does `meanwhile`, and returns what the call comes to. */
async function overtaken(conversationId, call, meanwhile) {
  const holder = await db.pool.connect()
  try {
    await holder.query('begin')
    await holder.query('select from public.conversations where id = $1 for update', [conversationId])
    const late = call().then((reply) => reply, (error) => ({ outcome: error.code }))
    const waiting = () => db.rows(`select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`)
    for (let tries = 0; (await waiting()).length === 0; tries++) {
      assert.ok(tries < 500, 'the call waits for the lock')
      await db.rows('select pg_sleep(0.01)')
    }
    await meanwhile()
    await holder.query('commit')
    return await late
  } finally {
    holder.release()
  }
}

test('two members take the same id at once: it is the turn of one, and the other learns nothing of it', async () => {
  const { users: [one, two] } = await db.newOrganization()
  for (const trigger of ['submit-message', 'regenerate-message']) {
    const [his, hers] = [await db.send(one), await db.send(two)]
    const id = randomUUID()
    const late = () => db.reserve(two, { id, conversationId: hers.conversationId, trigger })
    let first
    const overtaker = async () => {
      first = await db.reserve(one, { id, conversationId: his.conversationId, trigger })
      await db.turn('dispatch_turn', one, id)
    }
    assert.equal((await overtaken(hers.conversationId, late, overtaker)).outcome, '40001', trigger)
    assert.equal((await late()).outcome, 'id_reused')
    assert.equal((await db.settle(one, id)).turn.holdMicroUsd, first.turn.holdMicroUsd)
    await db.assertSound()
  }
})

test('a seat given while its member is being refused admits from the next message on', async () => {
  const { orgId, users: [user] } = await db.newOrganization()
  const { conversationId } = await db.send(user)
  await db.rows('delete from public.user_licenses where org_id = $1 and user_id = $2', [orgId, user.id])
  // It came before there was a licence to lock, so others of the same member may be spending that licence at this moment.
  const late = await overtaken(conversationId, () => db.reserve(user, { conversationId }), () =>
    db.rows(`insert into public.user_licenses (org_id, user_id, tier) values ($1, $2, 'pro')`, [orgId, user.id]))
  assert.deepEqual([late.outcome, late.verdict?.reason], ['denied', 'license_inactive'])
  assert.equal((await db.reserve(user, { conversationId })).outcome, 'held')
})

test('a change of plan while 64 messages come: each is judged by one plan or the other, and what is under way keeps its terms', async () => {
  const user = await db.newUser('pro')
  const sending = []
  const send = (n) => sending.push(...Array.from({ length: n }, () => db.reserve(user, { agent: 'coding' })))
  send(CONNECTIONS / 2)
  await Promise.any(sending) // the others are on their way, or wait for the licence
  const downgrade = db.rows(`update public.user_licenses set tier = 'free' where user_id = $1`, [user.id])
  send(CONNECTIONS / 4)
  await downgrade
  send(CONNECTIONS / 4)
  const replies = await Promise.all(sending)
  assert.deepEqual(new Set(replies.map((reply) => reply.outcome)), new Set(['held', 'denied']))
  for (const reply of replies) {
    if (reply.outcome === 'held') assert.deepEqual([reply.turn.maxOutputTokens, reply.turn.streaming], [400, true])
    else assert.ok(reply.verdict.violations.some(({ limit }) => limit === 'agent_not_allowed') && reply.usage.quotas.tier === 'free')
  }
  for (const { id } of replies.filter((reply) => reply.outcome === 'held')) {
    await db.turn('dispatch_turn', user, id)
    assert.equal((await db.settle(user, id)).outcome, 'settled')
  }
})

test('midnight while the limit is enforced: each day admits exactly its own, and says when it ends', async () => {
  // A zone whose midnight comes in a moment. Its name has the sign of POSIX: west is positive.
  const midnight = Math.ceil(Date.now() / 1000) + 3
  const second = midnight % 86_400
  const offset = second < 43_200 ? second : second - 86_400
  const clock = [3600, 60, 1].map((unit) => String(Math.floor(Math.abs(offset) / unit) % (unit === 3600 ? 24 : 60)).padStart(2, '0')).join(':')
  const { orgId, users } = await db.newOrganization({ members: 4, timeZone: `X${offset < 0 ? '-' : '+'}${clock}`, messagesPerDay: 30 })
  await db.withTier('pro', 'max_messages_per_day = 10', async () => {
    let done = false
    const denials = []
    await Promise.all(Array.from({ length: CONNECTIONS }, async (_, i) => {
      while (!done) {
        const reply = await db.reserve(users[i % users.length])
        if (reply.outcome === 'denied') denials.push(reply)
        done ||= reply.usage.serverTime > (midnight + 1) * 1000
      }
    }))
    const days = await db.rows(`select usage_date::text as day, count(*) as n, min(created_at) as first, max(created_at) as last
      from public.chat_turns where org_id = $1 group by 1 order by 1`, [orgId])
    assert.deepEqual(days.map((day) => day.n), [30, 30])
    assert.ok(days[0].last.getTime() < midnight * 1000 && days[1].first.getTime() >= midnight * 1000)
    for (const { usage, verdict } of denials) {
      const ends = usage.serverTime < midnight * 1000 ? midnight : midnight + 86_400
      assert.equal(usage.dayResetsAt, ends * 1000)
      assert.equal(verdict.retryAt, ends * 1000)
    }
    assert.ok(denials.some(({ usage }) => usage.serverTime < midnight * 1000) && denials.some(({ usage }) => usage.serverTime >= midnight * 1000))
  })
})
