// Many at once, on 64 connections: exactly the limit is admitted, and one id is one turn.

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

const times = (n, work) => Promise.all(Array.from({ length: n }, (_, i) => work(i)))
const count = (replies, outcome) => replies.filter((reply) => reply.outcome === outcome).length

test('the hour: 64 first messages of a new user at once, ten are admitted', async () => {
  for (let round = 0; round < 3; round++) {
    const user = await db.newUser()
    const replies = await times(CONNECTIONS, () => db.reserve(user))
    assert.equal(count(replies, 'held'), 10)
    assert.equal(count(replies, 'denied'), CONNECTIONS - 10)
  }
})

test('the day: 64 messages of one user at once, twenty are admitted', async () => {
  await db.withTier('free', 'max_messages_per_hour = 1000, max_conversations = 1000, max_cost_per_day_micro_usd = 100000000', async () => {
    const user = await db.newUser()
    const replies = await times(CONNECTIONS, () => db.reserve(user))
    assert.equal(count(replies, 'held'), 20)
  })
})

test('the cost: messages of different weight at once never hold more than the day allows', async () => {
  await db.withTier('pro', 'max_cost_per_day_micro_usd = 50000', async () => {
    const user = await db.newUser('pro')
    const replies = await times(CONNECTIONS, (i) => db.reserve(user, { content: 'x'.repeat(1 + (i * 137) % 2000) }))
    const { usage } = await db.rpc(user, 'quota_status')
    const held = replies.filter((reply) => reply.outcome === 'held').reduce((sum, reply) => sum + reply.turn.holdMicroUsd, 0)
    assert.equal(usage.costTodayMicroUsd.held, held)
    assert.ok(held <= 50_000)
    const cheapestDenied = Math.min(...replies.filter((reply) => reply.outcome === 'denied').map((reply) => reply.verdict.estimate.maxMicroUsd))
    assert.ok(held + cheapestDenied > 50_000, 'what was refused would not have fitted')
  })
})

test('the pool: eight members, first message of the day, exactly the pool is admitted', async () => {
  const { users } = await db.newOrganization({ members: 8, messagesPerDay: 20 })
  const replies = await times(CONNECTIONS, (i) => db.reserve(users[i % users.length]))
  assert.equal(count(replies, 'held'), 20)
  const { users: spenders } = await db.newOrganization({ members: 8, monthlyBudget: 10_500 })
  const spent = await times(CONNECTIONS, (i) => db.reserve(spenders[i % spenders.length]))
  assert.equal(count(spent, 'held'), Math.floor(10_500 / spent.find((reply) => reply.outcome === 'held').turn.holdMicroUsd))
})

test('conversations: 64 created at once, twenty are kept', async () => {
  const user = await db.newUser()
  const results = await Promise.allSettled(Array.from({ length: CONNECTIONS }, () => db.rpc(user, 'create_conversation', { p_id: randomUUID() })))
  assert.equal(results.filter((result) => result.status === 'fulfilled').length, 20)
})

test('one conversation: 64 messages at once, one is live', async () => {
  const user = await db.newUser('pro')
  const conversationId = randomUUID()
  const replies = await times(CONNECTIONS, () => db.reserve(user, { conversationId }))
  assert.deepEqual([count(replies, 'held'), count(replies, 'conversation_busy')], [1, CONNECTIONS - 1])
})

test('the same turn 50 times at once, and again after it settled: one turn, one charge, one answer', async () => {
  const user = await db.newUser('pro')
  const turn = { id: randomUUID(), conversationId: randomUUID() }
  const reserved = await times(50, () => db.reserve(user, turn))
  assert.equal(count(reserved, 'held'), 50)
  assert.equal(reserved.filter((reply) => reply.changed).length, 1)
  const dispatched = await times(50, () => db.turn('dispatch_turn', user, turn.id))
  assert.equal(dispatched.filter((reply) => reply.won).length, 1)
  const settled = await times(50, (i) => db.settle(user, turn.id, { content: `Answer ${i}`, prompt: 10 + i, completion: 1 }))
  assert.equal(new Set(settled.map((reply) => JSON.stringify([reply.turn, reply.message]))).size, 1)
  const again = await times(50, () => db.reserve(user, turn))
  assert.equal(count(again, 'settled'), 50)
  const { messages } = await db.rpc(user, 'get_messages_paginated', { p_conversation_id: turn.conversationId })
  assert.equal(messages.length, 2)
  assert.equal((await db.rpc(user, 'quota_status')).usage.costTodayMicroUsd.used, settled[0].turn.costMicroUsd)
})

test('settle, release, stop and sweep at once: one of them ends the turn', async () => {
  const user = await db.newUser('pro')
  for (let round = 0; round < 10; round++) {
    const { id } = await db.reserve(user)
    await db.turn('dispatch_turn', user, id)
    await db.rows(`update public.chat_turns set created_at = created_at - interval '16 minutes' where id = $1`, [id])
    await Promise.all([
      db.settle(user, id), db.turn('release_turn', user, id, { p_reason: 'race' }), db.turn('stop_turn', user, id),
      db.service('sweep_stale_turns', { p_limit: 5 }), db.reserve(user), db.settle(user, id),
    ])
    const { state } = await db.row('select state from public.chat_turns where id = $1', [id])
    assert.ok(['settled', 'released', 'expired_charged'].includes(state), state)
    await db.rows(`update public.chat_turns set created_at = created_at - interval '16 minutes' where user_id = $1`, [user.id])
    await db.service('sweep_stale_turns', { p_limit: 50 })
  }
})

test('versions grow with every change: a later snapshot is never older', async () => {
  const user = await db.newUser('pro')
  const snapshots = (await times(CONNECTIONS, async (i) => {
    if (i % 4 === 3) return [(await db.rpc(user, 'quota_status')).usage]
    const { id, usage } = await db.reserve(user)
    await db.turn('dispatch_turn', user, id)
    return [usage, (await db.settle(user, id)).usage]
  })).flat().sort((a, b) => a.version - b.version)
  const total = (usage) => usage.messagesToday.used + usage.messagesToday.held
  for (let i = 1; i < snapshots.length; i++) {
    const [older, newer] = [snapshots[i - 1], snapshots[i]]
    assert.ok(total(newer) >= total(older) && newer.messagesToday.used >= older.messagesToday.used)
    if (newer.version === older.version) assert.deepEqual(newer.messagesToday, older.messagesToday)
  }
})
