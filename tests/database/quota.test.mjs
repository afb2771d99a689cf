// Every limit, one by one: it admits exactly what it allows, refuses the next, says when it lifts, and a refusal consumes
// nothing.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, test } from 'node:test'
import { openDatabase } from './support/database.mjs'

let db
before(async () => { db = await openDatabase() })
afterEach(() => db.assertSound())
after(() => db?.close())

const TABLES = ['conversations', 'chat_messages', 'chat_turns', 'chat_usage_tracking']

async function rowsOf(user) {
  const counts = {}
  for (const table of TABLES) {
    counts[table] = await db.rows(`select t::text from public.${table} t where org_id = $1 order by 1`, [user.orgId])
  }
  return counts
}

/** The next message is refused for this reason alone, and nothing but the count of refusals is left of it. */
async function assertDenied(user, options, violation) {
  const before = await rowsOf(user)
  const denials = async () => (await db.row(
    'select coalesce(sum(denials), 0) as n from public.chat_quota_violations where org_id = $1 and user_id = $2 and reason = $3',
    [user.orgId, user.id, violation.limit])).n
  const counted = await denials()
  const reply = await db.reserve(user, options)
  assert.equal(reply.outcome, 'denied', JSON.stringify(reply))
  const { retryAt, ...found } = reply.verdict.violations[0]
  const { retryAt: expectedRetryAt, ...expected } = violation
  assert.equal(reply.verdict.violations.length, 1, JSON.stringify(reply.verdict.violations))
  assert.deepEqual(found, expected)
  assert.equal(retryAt, expectedRetryAt === undefined ? null : expectedRetryAt(reply.usage))
  assert.deepEqual([reply.verdict.allowed, reply.verdict.reason, reply.verdict.retryAt], [false, violation.limit, retryAt])
  assert.equal(reply.turn, null)
  assert.deepEqual(await rowsOf(user), before)
  assert.equal(await denials(), counted + 1)
  return reply
}

test('free: ten messages an hour; the eleventh waits for the first to be an hour old', async () => {
  const user = await db.newUser()
  const sent = []
  for (let i = 0; i < 10; i++) sent.push(await db.send(user))
  const denied = await assertDenied(user, {}, {
    limit: 'messages_per_hour', used: 10, held: 0, max: 10, retryAt: () => sent[0].turn.createdAt + 3_600_000,
  })
  assert.deepEqual(denied.usage.hourFreesAt, sent.map(({ turn }) => turn.createdAt + 3_600_000))
  assert.deepEqual(denied.verdict.upgrade, { tier: 'pro', unlocks: ['messages_per_hour'] })
  // The limit was reached by the tenth message; the stamp says so, whoever was refused later.
  const stamp = await db.row(`select limit_reached_at, denials from public.chat_quota_violations
    where user_id = $1 and reason = 'messages_per_hour'`, [user.id])
  assert.equal(stamp.limit_reached_at.getTime(), sent[9].turn.createdAt)

  // To the millisecond: when the first is an hour old its place is free, and only its place.
  await db.rows(`update public.chat_turns set created_at = created_at - interval '1 hour' where id = $1`, [sent[0].id])
  assert.equal((await db.reserve(user)).outcome, 'held')
  await assertDenied(user, {}, {
    limit: 'messages_per_hour', used: 9, held: 1, max: 10, retryAt: () => sent[1].turn.createdAt + 3_600_000,
  })
})

test('a day holds what the plan says, until it ends', async () => {
  const user = await db.newUser()
  const conversationId = randomUUID()
  for (let i = 0; i < 20; i++) {
    await db.send(user, { conversationId })
    if (i === 9) await db.age(user, '1 hour')
  }
  await db.age(user, '1 hour')
  const denied = await assertDenied(user, { conversationId }, {
    limit: 'messages_per_day', used: 20, held: 0, max: 20, retryAt: (usage) => usage.dayResetsAt,
  })
  assert.equal(denied.verdict.softLimit, true)
})

test('the cost of a day counts what is held at its upper bound', async () => {
  const user = await db.newUser()
  const first = await db.send(user, { answer: { prompt: 19_000, completion: 500 } }) // 39,000 of 40,000 micro-USD
  assert.equal(first.settled.usage.costTodayMicroUsd.used, 39_000)
  await assertDenied(user, { content: 'x'.repeat(200) }, {
    limit: 'cost_per_day', used: 39_000, held: 0, max: 40_000, retryAt: (usage) => usage.dayResetsAt,
  })
  const held = await db.reserve(user, { systemBytes: 0, content: 'x' })
  assert.equal(held.outcome, 'held')
  await assertDenied(user, { systemBytes: 0, content: 'x' }, {
    limit: 'cost_per_day', used: 39_000, held: held.turn.holdMicroUsd, max: 40_000, retryAt: (usage) => usage.dayResetsAt,
  })
})

test('a licence that is suspended, expired or past its end admits nothing, whatever the plan', async () => {
  for (const change of [`status = 'suspended'`, `status = 'expired'`, `expires_at = now() - interval '1 second'`]) {
    const user = await db.newUser('enterprise')
    await db.rows(`update public.user_licenses set ${change} where user_id = $1`, [user.id])
    const denied = await assertDenied(user, {}, { limit: 'license_inactive', used: 0, held: 0, max: 0 })
    assert.equal(denied.verdict.upgrade, null)
  }
  const user = await db.newUser()
  await db.rows(`update public.user_licenses set expires_at = now() + interval '1 hour' where user_id = $1`, [user.id])
  assert.equal((await db.reserve(user)).outcome, 'held')
})

test('of whom nothing is known, nothing is allowed', async () => {
  const draft = { agent: 'executive', files: 0, newConversation: false, conversationMessages: 0, addsMessages: 2,
    estimate: { minMicroUsd: 1, maxMicroUsd: 1 } }
  for (const snapshot of [null, {}]) {
    const { verdict } = await db.row(`select private.evaluate_quota($1, $2, '[]', 0, 'server') as verdict`, [snapshot, draft])
    assert.deepEqual([verdict.allowed, verdict.reason], [false, 'license_inactive'])
  }
})

test('a member without a seat is refused', async () => {
  const { orgId, users: [user] } = await db.newOrganization()
  await db.rows('delete from public.user_licenses where org_id = $1 and user_id = $2', [orgId, user.id])
  await assertDenied(user, {}, { limit: 'license_inactive', used: 0, held: 0, max: 0 })
})

test('free: the executive agent only, no uploads', async () => {
  const user = await db.newUser()
  const denied = await assertDenied(user, { agent: 'coding' }, { limit: 'agent_not_allowed', used: 0, held: 0, max: 0 })
  assert.deepEqual(denied.verdict.upgrade, { tier: 'pro', unlocks: ['agent_not_allowed'] })
  await assertDenied(user, { files: 1 }, { limit: 'file_uploads_not_allowed', used: 0, held: 0, max: 0 })
  const pro = await db.newUser('pro')
  assert.equal((await db.reserve(pro, { agent: 'coding', files: 3 })).outcome, 'held')
})

test('free: fifty messages a conversation, the answer to come included; regenerating adds none', async () => {
  const user = await db.newUser()
  const { conversationId } = await db.send(user)
  for (let i = 1; i < 25; i++) {
    await db.send(user, { conversationId })
    if (i % 5 === 4) await db.age(user, '1 hour')
    if (i === 18) await db.moveToYesterday(user)
  }
  const { used, max, allowed } = await db.rpc(user, 'check_conversation_length', { p_conversation_id: conversationId })
  assert.deepEqual({ used, max, allowed }, { used: 50, max: 50, allowed: false })
  await assertDenied(user, { conversationId, newConversation: false }, {
    limit: 'conversation_length', used: 50, held: 0, max: 50,
  })
  const { settled } = await db.send(user, { conversationId, trigger: 'regenerate-message' })
  assert.equal(settled.outcome, 'settled')
  assert.equal((await db.rpc(user, 'check_conversation_length', { p_conversation_id: conversationId })).used, 50)
})

test('free: twenty conversations; deleting one makes room for one, and gives no message back', async () => {
  const user = await db.newUser()
  const ids = []
  for (let i = 0; i < 20; i++) ids.push((await db.rpc(user, 'create_conversation', { p_id: randomUUID() })).id)
  await assertDenied(user, {}, { limit: 'conversations', used: 20, held: 0, max: 20 })
  await assert.rejects(db.rpc(user, 'create_conversation', { p_id: randomUUID() }), { code: 'PT403' })
  await db.send(user, { conversationId: ids[0] })
  assert.deepEqual(await db.rpc(user, 'delete_conversation', { p_id: ids[0] }), { deleted: true })
  const next = await db.reserve(user)
  assert.equal(next.outcome, 'held')
  assert.deepEqual(next.usage.messagesToday, { used: 1, held: 1 })
})

test('an organization shares its daily messages and its monthly budget', async () => {
  const { users: [one, two] } = await db.newOrganization({ messagesPerDay: 3 })
  for (const user of [one, two, one]) await db.send(user)
  await assertDenied(two, {}, {
    limit: 'org_messages_per_day', used: 3, held: 0, max: 3, retryAt: (usage) => usage.dayResetsAt,
  })
  const { users: [three, four] } = await db.newOrganization({ monthlyBudget: 3000 })
  await db.send(three, { answer: { prompt: 500, completion: 500 } })
  const denied = await assertDenied(four, {}, {
    limit: 'org_budget', used: 2000, held: 0, max: 3000, retryAt: (usage) => usage.monthResetsAt,
  })
  assert.equal(denied.verdict.upgrade, null) // no plan lifts the organization's own limit
})

test('all limits that bind are listed; the reason is the one that lifts last', async () => {
  const user = await db.newUser()
  await db.withTier('free', 'max_messages_per_hour = 1, max_messages_per_day = 1', async () => {
    await db.send(user)
    const byTime = await db.reserve(user)
    assert.deepEqual(byTime.verdict.violations.map(({ limit }) => limit), ['messages_per_hour', 'messages_per_day'])
    const [hour, day] = byTime.verdict.violations
    assert.equal(byTime.verdict.reason, hour.retryAt > day.retryAt ? 'messages_per_hour' : 'messages_per_day')
    const byPlan = await db.reserve(user, { agent: 'coding', files: 1 })
    assert.deepEqual(byPlan.verdict.violations.map(({ limit }) => limit),
      ['agent_not_allowed', 'file_uploads_not_allowed', 'messages_per_hour', 'messages_per_day'])
    assert.deepEqual([byPlan.verdict.reason, byPlan.verdict.retryAt], ['agent_not_allowed', null])
    assert.equal(byPlan.verdict.upgrade.tier, 'pro')
  })
})

test('a change of plan counts from the next message; a turn under way keeps its terms', async () => {
  const user = await db.newUser('pro')
  const before = await db.reserve(user, { agent: 'coding' })
  await db.rows(`update public.user_licenses set tier = 'free' where user_id = $1`, [user.id])
  assert.equal((await db.reserve(user, { agent: 'coding' })).outcome, 'denied')
  await db.turn('dispatch_turn', user, before.id)
  assert.equal((await db.settle(user, before.id)).outcome, 'settled')
  assert.equal(before.turn.maxOutputTokens, 400)
})

test('what one may not see is not found, whatever the reason', async () => {
  const owner = await db.newUser()
  const other = await db.newUser()
  const { conversationId } = await db.send(owner)
  const outcome = async (user, options) => (await db.reserve(user, options)).outcome
  assert.equal(await outcome(other, { conversationId, newConversation: false }), 'not_found')
  assert.equal(await outcome(other, { conversationId: randomUUID(), newConversation: false }), 'not_found')
  assert.equal(await outcome({ id: other.id, orgId: owner.orgId }, { conversationId }), 'not_found')
  const { users: [one, two] } = await db.newOrganization()
  const shared = await db.send(one)
  assert.equal(await outcome(two, { conversationId: shared.conversationId }), 'not_found')
  await db.rpc(owner, 'delete_conversation', { p_id: conversationId })
  assert.equal(await outcome(owner, { conversationId }), 'not_found')
})

test('one live turn a conversation', async () => {
  const user = await db.newUser()
  const live = await db.reserve(user)
  const busy = await db.reserve(user, { conversationId: live.conversationId })
  assert.deepEqual([busy.outcome, busy.liveTurnId], ['conversation_busy', live.id])
  assert.equal((await db.reserve(user)).outcome, 'held') // another conversation is free
})

test('regenerating is a message like any other, and a released one is none', async () => {
  const user = await db.newUser()
  const { conversationId } = await db.send(user)
  for (let i = 0; i < 9; i++) await db.send(user, { conversationId, trigger: 'regenerate-message' })
  assert.equal((await db.reserve(user, { conversationId, trigger: 'regenerate-message' })).outcome, 'denied')
  const other = await db.newUser()
  for (let i = 0; i < 12; i++) {
    const { id } = await db.reserve(other)
    await db.turn('release_turn', other, id, { p_reason: 'test' })
  }
  const { usage } = await db.rpc(other, 'quota_status')
  assert.deepEqual([usage.messagesToday, usage.messagesThisHour], [{ used: 0, held: 0 }, { used: 0, held: 0 }])
})
