// What a message can be expected to cost is learnt from whole answers that the provider gave figures for: the caller's own,
// and only the newest.

import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { openDatabase } from './support/database.mjs'

const NOTHING = { inputBytes: 0, inputTokens: 0, turns: 0, outputTokens: 0 }
// 8 and 100 of the system prompt, 8 and 5 of `Hello`.
const BYTES = 121

let db
before(async () => { db = await openDatabase() })
afterEach(() => db.assertSound())
after(() => db?.close())

const learnt = async (user) => (await db.rpc(user, 'quota_status', { p_org_id: user.orgId })).calibration

test('settled turns add up; who has none has zeros', async () => {
  const user = await db.newUser('pro')
  assert.deepEqual(await learnt(user), NOTHING)
  await db.send(user, { answer: { prompt: 50, cached: 20, completion: 10 } })
  assert.deepEqual(await learnt(user), { inputBytes: BYTES, inputTokens: 50, turns: 1, outputTokens: 10 })
  const { conversationId } = await db.send(user, { content: 'Hello there', answer: { prompt: 30, completion: 7 } })
  const both = { inputBytes: 2 * BYTES + 6, inputTokens: 80, turns: 2, outputTokens: 17 }
  assert.deepEqual(await learnt(user), both)
  await db.rpc(user, 'delete_conversation', { p_id: conversationId })
  assert.deepEqual(await learnt(user), both, 'a deleted conversation was paid for all the same')
})

test('what has no figures or no whole answer teaches nothing', async () => {
  const user = await db.newUser('pro')
  const dispatched = async () => {
    const { id } = await db.reserve(user)
    await db.turn('dispatch_turn', user, id)
    return id
  }
  const expired = async () => {
    const id = await dispatched()
    await db.age(user, '1 minute')
    assert.equal((await db.turn('stop_turn', user, id)).outcome, 'expired_charged')
    return id
  }
  await db.reserve(user)
  await dispatched()
  await db.settle(user, await dispatched(), { prompt: null, completion: null })
  await db.settle(user, await dispatched(), { status: 'stopped' }) // also the provider's failure within the text
  await db.turn('release_turn', user, await dispatched(), { p_reason: 'failed' })
  await expired()
  await db.turn('release_turn', user, await expired(), { p_reason: 'failed' }) // settled at no charge
  assert.deepEqual(await learnt(user), NOTHING)

  await db.settle(user, await expired(), { prompt: 40, completion: 9 }) // an expiry that was corrected
  assert.deepEqual(await learnt(user), { inputBytes: BYTES, inputTokens: 40, turns: 1, outputTokens: 9 })
})

test('a turn that was released and sent again counts by how it ended', async () => {
  const user = await db.newUser('pro')
  const first = await db.reserve(user)
  await db.turn('release_turn', user, first.id, { p_reason: 'failed' })
  await db.send(user, { id: first.id, conversationId: first.conversationId })
  assert.equal((await learnt(user)).turns, 1)
})

test('other members and other organizations teach nothing', async () => {
  const { users: [user, colleague] } = await db.newOrganization()
  await db.send(colleague)
  await db.send({ id: user.id, orgId: user.id })
  assert.deepEqual(await learnt(user), NOTHING)
  await db.send(user, { answer: { prompt: 60, completion: 3 } })
  assert.deepEqual(await learnt(user), { inputBytes: BYTES, inputTokens: 60, turns: 1, outputTokens: 3 })
  assert.equal((await learnt({ id: user.id, orgId: user.id })).inputTokens, 50)
})

test('the newest twenty count, of the newest fifty turns', async () => {
  const user = await db.newUser('pro')
  for (let n = 0; n < 25; n++) {
    await db.send(user, { answer: { prompt: n < 5 ? 100 : 40, completion: n < 5 ? 100 : 8 } })
    await db.age(user, '1 minute')
  }
  assert.deepEqual(await learnt(user), { inputBytes: 20 * BYTES, inputTokens: 800, turns: 20, outputTokens: 160 })
  await db.rows(`update public.chat_turns set is_estimated = true where user_id = $1 and id in (
    select id from public.chat_turns where user_id = $1 order by created_at desc limit 18)`, [user.id])
  assert.deepEqual(await learnt(user), { inputBytes: 7 * BYTES, inputTokens: 580, turns: 7, outputTokens: 516 })
  for (let n = 0; n < 26; n++) {
    await db.send(user, { answer: { prompt: null, completion: null } })
    await db.age(user, '1 minute')
  }
  assert.equal((await learnt(user)).turns, 6, 'the oldest is out of sight')
})
