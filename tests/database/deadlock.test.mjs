// Ten thousand calls of every kind on 64 connections, on the same few members and conversations: none deadlocks, and the
// books are sound.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { openDatabase } from './support/database.mjs'

const CALLS = 10_000
const CONNECTIONS = 64
const CONVERSATIONS = 20

let db
before(async () => {
  db = await openDatabase()
  // In one round trip each, as the owner: this is about locks, not about grants.
  db.service = async (name, parameters) => {
    const names = Object.keys(parameters)
    const list = names.map((key, index) => `${key} => $${index + 1}`).join(', ')
    return (await db.row(`select public.${name}(${list}) as result`, Object.values(parameters))).result
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, () => db.rows('select 1'))) // all connected before the race
})
after(() => db?.close())

/** Numbers below n, the same ones for the same seed (mulberry32). */
function dice(seed) {
  return (n) => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

const deadlocks = async () => (await db.row('select deadlocks from pg_stat_database where datname = current_database()')).deadlocks

test(`${CALLS} calls at once deadlock never`, async () => {
  // Whose limits are out of reach, are spent soon, and are spent together.
  const { users } = await db.newOrganization({ members: 3, messagesPerDay: 100_000, monthlyBudget: 1_000_000_000 })
  const { users: pooled } = await db.newOrganization({ members: 3, messagesPerDay: 60 })
  users.push(...pooled, await db.newUser('pro'), await db.newUser('free'))
  const conversations = new Map(users.map((user) => [user, Array.from({ length: CONVERSATIONS }, () => randomUUID())]))
  const turns = new Map(users.map((user) => [user, []]))
  const outcomes = {}
  const random = dice(7)

  const calls = {
    async reserve(user, { conversationId }) {
      const reply = await db.reserve(user, { conversationId })
      if (reply.outcome === 'held') turns.get(user).unshift(reply.id)
      turns.get(user).splice(12)
      return reply.outcome
    },
    async regenerate(user, { conversationId }) {
      return (await db.reserve(user, { conversationId, trigger: 'regenerate-message' })).outcome
    },
    async dispatch(user, { id }) { await db.turn('dispatch_turn', user, id) },
    async flush(user, { id }) { await db.turn('flush_turn', user, id, { p_content: 'Ha' }) },
    async settle(user, { id }) { await db.settle(user, id, { prompt: random(4) === 0 ? 800 : 50 }) }, // at times above the hold
    async release(user, { id }) { await db.turn('release_turn', user, id, { p_reason: 'test' }) },
    async stop(user, { id }) { await db.turn('stop_turn', user, id) },
    async read(user, { id }) { await db.turn('read_turn', user, id, { p_after: 0 }) },
    async sweep(user, { id }) {
      await db.rows(`update public.chat_turns set created_at = created_at - interval '16 minutes',
        heartbeat_at = heartbeat_at - interval '16 minutes' where org_id = $1 and id = $2`, [user.orgId, id])
      await db.service('sweep_stale_turns', { p_limit: 1 + random(4) })
    },
    async remove(user, { conversationId }) {
      const mine = conversations.get(user)
      mine[mine.indexOf(conversationId)] = randomUUID()
      await db.rpc(user, 'delete_conversation', { p_id: conversationId, p_org_id: user.orgId })
    },
    async cap() { await db.rows('update public.chat_settings set max_provider_calls = $1', [[null, 3, 12][random(3)]]) },
  }
  // How often each comes, of 30.
  const weights = { reserve: 8, regenerate: 3, dispatch: 5, flush: 2, settle: 5, release: 2, stop: 1, read: 1, sweep: 2, remove: 1 }
  const draw = Object.entries(weights).flatMap(([name, weight]) => Array(weight).fill(name))

  let left = CALLS
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    while (left > 0) {
      left -= 1
      const user = users[random(users.length)]
      const mine = turns.get(user)
      const name = left % 500 === 0 ? 'cap' : draw[random(draw.length)]
      const outcome = await calls[name](user, {
        conversationId: conversations.get(user)[random(CONVERSATIONS)],
        id: mine[random(mine.length || 1)] ?? randomUUID(),
      })
      const key = outcome ? `${name}: ${outcome}` : name
      outcomes[key] = (outcomes[key] ?? 0) + 1
    }
  }))

  // A mixture in which something never happened would prove little.
  for (const key of ['reserve: held', 'reserve: denied', 'reserve: conversation_busy', 'regenerate: held', ...Object.keys(weights)]) {
    const n = Object.entries(outcomes).reduce((sum, [name, times]) => sum + (name.startsWith(key) ? times : 0), 0)
    assert.ok(n >= CALLS / 1000, `${key}: ${JSON.stringify(outcomes)}`)
  }
  await db.assertSound()
  assert.equal(await deadlocks(), 0)
})

test('members are removed while they send: no call deadlocks or meets a defect', async () => {
  const before = await deadlocks()
  const outcomes = new Set()
  for (let round = 0; round < 20; round++) {
    const { orgId, users: [user] } = await db.newOrganization({ members: 1 })
    const { conversationId } = await db.send(user)
    const calls = [
      ...Array.from({ length: 12 }, () => db.reserve(user)),
      db.rpc(user, 'create_conversation', { p_id: randomUUID(), p_org_id: orgId }),
      db.rpc(user, 'delete_conversation', { p_id: conversationId, p_org_id: orgId }),
    ].map((call) => call.then(({ outcome }) => outcome, ({ code, message }) => code === 'PT404' || code === 'PT403' ? code : message))
    await Promise.any(calls)
    // Every other time the licence goes first, as where it was sold back.
    if (round % 2) await db.rows('delete from public.user_licenses where org_id = $1', [orgId])
    await db.rows('delete from public.organization_members where org_id = $1', [orgId])
    assert.equal((await db.reserve(user)).outcome, 'not_found')
    for (const outcome of await Promise.all(calls)) outcomes.add(outcome)
    await db.assertSound()
  }
  for (const outcome of outcomes) assert.ok([undefined, 'held', 'denied', 'not_found', 'PT403', 'PT404'].includes(outcome), outcome)
  assert.ok(outcomes.has('held'), [...outcomes].join())
  assert.equal(await deadlocks(), before)
})
