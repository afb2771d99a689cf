// Conversations and their messages: pages, context, regenerated answers, list, names and deletion.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, test } from 'node:test'
import { openDatabase } from './support/database.mjs'

let db
before(async () => { db = await openDatabase() })
afterEach(() => db.assertSound())
after(() => db?.close())

const page = (user, conversationId, before = null, limit = 50) => db.rpc(user, 'get_messages_paginated', {
  p_conversation_id: conversationId, p_before: before, p_limit: limit,
})

test('120 messages are three pages, also while the conversation grows', async () => {
  const user = await db.newUser('pro')
  const conversationId = randomUUID()
  for (let i = 0; i < 60; i++) await db.send(user, { conversationId, content: `Question ${i}`, answer: { content: `Answer ${i}` } })

  const seen = []
  let before = null
  for (const [expected, hasMore] of [[50, true], [50, true], [20, false]]) {
    const { messages, hasMore: more } = await page(user, conversationId, before)
    assert.deepEqual([messages.length, more], [expected, hasMore])
    before = messages.at(-1).seq
    seen.push(...messages)
    await db.send(user, { conversationId }) // a newer message moves no older page
  }
  assert.deepEqual(seen.map((m) => m.seq), Array.from({ length: 120 }, (_, i) => 120 - i))
  assert.deepEqual([seen[119].content, seen[118].content], ['Question 0', 'Answer 0'])
  assert.equal((await page(user, conversationId)).conversation.messageCount, 126)
})

test('a page knows the turn that is live, and shows its answer only when it has ended', async () => {
  const user = await db.newUser('pro')
  const { id, conversationId } = await db.reserve(user)
  await db.turn('dispatch_turn', user, id)
  await db.turn('flush_turn', user, id, { p_content: 'Ha' })
  const live = await page(user, conversationId)
  assert.deepEqual([live.liveTurnId, live.messages.length, live.conversation.messageCount], [id, 1, 2])
  await db.settle(user, id)
  const ended = await page(user, conversationId)
  assert.deepEqual([ended.liveTurnId, ended.messages.length], [null, 2])
})

test('the context is the newest messages that fit the budget, oldest first, the new message last', async () => {
  const user = await db.newUser('free') // 1,200 bytes of context
  const conversationId = randomUUID()
  const size = 192 // with the 8 bytes of the wire format: six fit
  for (let i = 0; i < 4; i++) {
    await db.send(user, { conversationId, content: `${i}q`.padEnd(size, '.'), answer: { content: `${i}a`.padEnd(size, '.') } })
  }
  const reserved = await db.reserve(user, { conversationId, content: 'now', systemBytes: 40 })
  assert.deepEqual(reserved.context.map(({ role, content }) => [role, content.slice(0, 3)]), [
    ['user', '1q.'], ['assistant', '1a.'], ['user', '2q.'], ['assistant', '2a.'], ['user', '3q.'], ['assistant', '3a.'],
    ['user', 'now'],
  ])
  assert.equal(reserved.turn.holdMicroUsd, 2 * (6 * 200 + (3 + 8) + (40 + 8) + 300))
})

test('a regenerated answer replaces the last one when it is there, and not before', async () => {
  const user = await db.newUser('pro')
  const { conversationId, turn } = await db.send(user, { content: 'One', answer: { content: 'First' } })
  const again = await db.reserve(user, { conversationId, trigger: 'regenerate-message' })
  assert.equal(again.turn.replacesSeq, 2)
  assert.equal(again.outcome, 'held')
  assert.deepEqual([again.turn.userSeq, again.turn.answerSeq, again.userMessage], [null, 3, null])
  assert.deepEqual(again.context, [{ role: 'user', content: 'One' }])
  assert.equal((await page(user, conversationId)).messages[0].content, 'First')
  await db.turn('dispatch_turn', user, again.id)
  await db.settle(user, again.id, { content: 'Second' })
  const { messages, conversation } = await page(user, conversationId)
  assert.deepEqual(messages.map((m) => [m.seq, m.content]), [[3, 'Second'], [1, 'One']])
  assert.equal(conversation.messageCount, 2)
  assert.equal((await db.row('select count(*) as n from public.chat_messages where id = $1', [turn.answerId])).n, 1) // kept

  const released = await db.reserve(user, { conversationId, trigger: 'regenerate-message' })
  await db.turn('release_turn', user, released.id, { p_reason: 'test' })
  assert.equal((await page(user, conversationId)).messages[0].content, 'Second')
  const next = await db.reserve(user, { conversationId, content: 'Two' })
  assert.deepEqual(next.context.map((m) => m.content), ['One', 'Second', 'Two'])
})

test('an answer that comes after it was replaced is kept in the books, not in the conversation', async () => {
  const user = await db.newUser('pro')
  const { conversationId } = await db.send(user)
  const late = await db.reserve(user, { conversationId, trigger: 'regenerate-message' })
  await db.turn('dispatch_turn', user, late.id)
  await db.age(user, '16 minutes')
  const winner = await db.reserve(user, { conversationId, trigger: 'regenerate-message' })
  await db.turn('dispatch_turn', user, winner.id)
  await db.settle(user, winner.id, { content: 'Winner' })
  const settled = await db.settle(user, late.id, { content: 'Late', prompt: 5, completion: 5 })
  assert.deepEqual([settled.outcome, settled.turn.costMicroUsd], ['settled', 20])
  assert.deepEqual((await page(user, conversationId)).messages.map((m) => m.content), ['Winner', 'Hello'])
})

test('nothing to regenerate is said', async () => {
  const user = await db.newUser()
  const { id } = await db.rpc(user, 'create_conversation', { p_id: randomUUID() })
  const reply = await db.reserve(user, { conversationId: id, trigger: 'regenerate-message' })
  assert.deepEqual([reply.outcome, reply.field], ['invalid', 'trigger'])
})

test('a conversation is newer after every change, also within a millisecond, and a message than every page without it', async () => {
  const user = await db.newUser('pro')
  const conversationId = randomUUID()
  await db.rpc(user, 'create_conversation', { p_id: conversationId })
  const state = async () => {
    const { conversation, messages } = await page(user, conversationId)
    return { updatedAt: conversation.updatedAt, messages }
  }
  // As if everything happened at once: whatever comes now is not later than what was.
  await db.rows(`update public.conversations set updated_at = date_trunc('milliseconds', now()) + interval '1 hour' where id = $1`, [conversationId])
  let last = await state()
  const changes = async (what, work) => {
    await work()
    const next = await state()
    assert.ok(next.updatedAt > last.updatedAt, `${what}: ${next.updatedAt} after ${last.updatedAt}`)
    for (const message of next.messages) {
      const isNew = !last.messages.some(({ id }) => id === message.id)
      assert.equal(message.createdAt > last.updatedAt, isNew, `${what}: ${message.role}`)
    }
    last = next
  }
  let turn
  const reserve = (options) => async () => { turn = await db.reserve(user, { conversationId, ...options }) }
  const dispatch = () => db.turn('dispatch_turn', user, turn.id)
  await changes('a message', reserve())
  await changes('released', () => db.turn('release_turn', user, turn.id, { p_reason: 'test' }))
  await changes('a message again', reserve())
  await dispatch()
  await changes('its answer', () => db.settle(user, turn.id))
  await changes('to be regenerated', reserve({ trigger: 'regenerate-message' }))
  await changes('not regenerated', () => db.turn('release_turn', user, turn.id, { p_reason: 'test' }))
  await changes('to be regenerated again', reserve({ trigger: 'regenerate-message' }))
  await dispatch()
  await changes('regenerated', () => db.settle(user, turn.id))
  await changes('another message', reserve())
  await dispatch()
  await db.age(user, '31 seconds')
  await changes('expired', () => db.turn('stop_turn', user, turn.id))
  await changes('corrected', () => db.settle(user, turn.id))
})

test('the list is paged by time and id, latest first', async () => {
  const user = await db.newUser('pro')
  const ids = []
  for (let i = 0; i < 7; i++) ids.push((await db.rpc(user, 'create_conversation', { p_id: randomUUID(), p_title: `Number ${i}` })).id)
  // The same instant for all: the id decides.
  await db.rows(`update public.conversations set updated_at = date_trunc('milliseconds', now()) where user_id = $1`, [user.id])
  const seen = []
  let last = {}
  do {
    last = await db.rpc(user, 'list_conversations', {
      p_before_updated_at: seen.at(-1)?.updatedAt ?? null, p_before_id: seen.at(-1)?.id ?? null, p_limit: 3,
    })
    seen.push(...last.conversations)
  } while (last.hasMore)
  assert.deepEqual(seen.map((c) => c.id), [...ids].sort().reverse())
  await db.send(user, { conversationId: ids[3] })
  assert.equal((await db.rpc(user, 'list_conversations', { p_limit: 1 })).conversations[0].id, ids[3])
})

test('creating again returns what is stored; renaming keeps the place; deleting is final', async () => {
  const user = await db.newUser()
  const id = randomUUID()
  const created = await db.rpc(user, 'create_conversation', { p_id: id, p_title: 'First' })
  assert.deepEqual(await db.rpc(user, 'create_conversation', { p_id: id, p_title: 'Other' }), created)
  const renamed = await db.rpc(user, 'rename_conversation', { p_id: id, p_title: 'Second' })
  assert.deepEqual(renamed, { ...created, title: 'Second' })
  await assert.rejects(db.rpc(user, 'rename_conversation', { p_id: id, p_title: 'x'.repeat(201) }), { code: 'PT400' })
  await assert.rejects(db.rpc(user, 'create_conversation', { p_id: randomUUID(), p_agent: 'nobody' }), { code: 'PT400' })
  assert.deepEqual(await db.rpc(user, 'delete_conversation', { p_id: id }), { deleted: true })
  assert.deepEqual(await db.rpc(user, 'delete_conversation', { p_id: id }), { deleted: false })
  for (const [name, parameters] of [
    ['get_messages_paginated', { p_conversation_id: id }], ['check_conversation_length', { p_conversation_id: id }],
    ['rename_conversation', { p_id: id, p_title: 'x' }], ['create_conversation', { p_id: id }],
  ]) await assert.rejects(db.rpc(user, name, parameters), { code: 'PT404' }, name)
})

test('a conversation deleted under a live turn: the turn ends in the books', async () => {
  const user = await db.newUser()
  const { id, conversationId } = await db.reserve(user)
  await db.turn('dispatch_turn', user, id)
  await db.rpc(user, 'delete_conversation', { p_id: conversationId })
  const settled = await db.settle(user, id)
  assert.deepEqual([settled.outcome, settled.usage.costTodayMicroUsd.used, settled.usage.conversations.used], ['settled', 120, 0])
  assert.equal((await db.turn('read_turn', user, id, { p_after: 0 })).outcome, 'not_found')
})

test('an unnamed conversation is called by the first words of its first message', async () => {
  const user = await db.newUser('pro')
  const titleOf = async (content, { named } = {}) => {
    const conversationId = randomUUID()
    if (named !== undefined) await db.rpc(user, 'create_conversation', { p_id: conversationId, p_title: named })
    await db.send(user, { conversationId, newConversation: named === undefined, content })
    await db.send(user, { conversationId, newConversation: false, content: 'What is said later changes nothing' })
    return (await page(user, conversationId)).conversation.title
  }
  assert.equal(await titleOf('  Plan\n\nthe offsite  '), 'Plan the offsite')
  assert.equal(await titleOf(`${'word '.repeat(11)}incomprehensibilities and more`), `${'word '.repeat(11).trim()}…`)
  assert.equal(await titleOf('字'.repeat(70)), `${'字'.repeat(60)}…`)
  assert.equal(await titleOf('First', { named: '' }), 'First')
  assert.equal(await titleOf('First', { named: 'By hand' }), 'By hand')
})
