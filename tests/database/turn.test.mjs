// One message from reservation to invoice: states, replays, money and what the answer becomes.

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { openDatabase } from './support/database.mjs'

let db
before(async () => { db = await openDatabase() })
afterEach(() => db.assertSound())
after(() => db?.close())

const messages = async (user, conversationId) =>
  (await db.rpc(user, 'get_messages_paginated', { p_conversation_id: conversationId })).messages

describe('from keystroke to invoice', () => {
  test('a hold becomes a charge, and every reply says what is spent', async () => {
    const user = await db.newUser('pro')
    const reserved = await db.reserve(user, { content: 'Héllo', systemBytes: 100 })
    assert.equal(reserved.outcome, 'held')
    assert.equal(reserved.changed, true)
    // (100 system + 8) + (6 message bytes + 8) input, 400 output, at 2 micro-USD a token
    assert.equal(reserved.turn.holdMicroUsd, 2 * (108 + 14 + 400))
    assert.equal(reserved.verdict.estimate.maxMicroUsd, reserved.turn.holdMicroUsd)
    assert.equal(reserved.verdict.estimate.minMicroUsd, 2 * (2 + 1)) // ceil(6 / 4) tokens and one token of answer
    assert.deepEqual(reserved.context, [{ role: 'user', content: 'Héllo' }])
    assert.equal(reserved.userMessage.id, reserved.id)
    assert.equal(reserved.conversation.messageCount, 2)
    assert.deepEqual(reserved.usage.messagesToday, { used: 0, held: 1 })
    assert.deepEqual(reserved.usage.costTodayMicroUsd, { used: 0, held: reserved.turn.holdMicroUsd })
    assert.deepEqual(reserved.usage.liveTurnIds, [reserved.id])
    assert.deepEqual(reserved.usage.hourFreesAt, [reserved.turn.createdAt + 3_600_000])

    const dispatched = await db.turn('dispatch_turn', user, reserved.id)
    assert.deepEqual([dispatched.outcome, dispatched.won], ['dispatched', true])
    const flushed = await db.turn('flush_turn', user, reserved.id, { p_content: 'Gu' })
    assert.equal(flushed.stopRequested, false)
    const settled = await db.settle(user, reserved.id, { content: 'Guten Tag', prompt: 30, completion: 5 })
    assert.equal(settled.outcome, 'settled')
    assert.equal(settled.turn.costMicroUsd, 70)
    assert.deepEqual([settled.message.content, settled.message.status, settled.message.costMicroUsd], ['Guten Tag', 'complete', 70])
    assert.deepEqual(settled.usage.messagesToday, { used: 1, held: 0 })
    assert.deepEqual(settled.usage.costTodayMicroUsd, { used: 70, held: 0 })
    assert.deepEqual(settled.usage.liveTurnIds, [])
    assert.ok(settled.usage.version > reserved.usage.version)
    assert.deepEqual((await messages(user, reserved.conversationId)).map((m) => [m.seq, m.role, m.content]),
      [[2, 'assistant', 'Guten Tag'], [1, 'user', 'Héllo']])
    assert.deepEqual((await db.rpc(user, 'usage_history')).days.map(({ date, ...day }) => day),
      [{ messagesSent: 1, aiRequestsMade: 1, promptTokens: 30, completionTokens: 5, costMicroUsd: 70 }])
  })

  test('one caller wins the dispatch', async () => {
    const user = await db.newUser()
    const { id } = await db.reserve(user)
    assert.equal((await db.turn('dispatch_turn', user, id)).won, true)
    assert.equal((await db.turn('dispatch_turn', user, id)).won, false)
  })

  test('a turn nobody dispatched cannot be settled', async () => {
    const user = await db.newUser()
    const { id } = await db.reserve(user)
    assert.equal((await db.settle(user, id)).outcome, 'held')
  })

  test('settling twice charges once', async () => {
    const user = await db.newUser()
    const { id } = await db.send(user)
    const again = await db.settle(user, id, { content: 'Other', prompt: 9000, completion: 9000 })
    assert.deepEqual([again.outcome, again.turn.costMicroUsd, again.message.content], ['settled', 120, 'Hi'])
  })

  test('a release returns the hold, the message and the place', async () => {
    const user = await db.newUser()
    const first = await db.send(user)
    const { id, conversationId } = await db.reserve(user, { conversationId: first.conversationId })
    await db.turn('dispatch_turn', user, id)
    const released = await db.turn('release_turn', user, id, { p_reason: 'provider_unavailable' })
    assert.equal(released.outcome, 'released')
    assert.deepEqual(released.usage.messagesToday, { used: 1, held: 0 })
    assert.deepEqual(released.usage.costTodayMicroUsd, { used: 120, held: 0 })
    assert.equal(released.usage.hourFreesAt.length, 1)
    assert.equal((await messages(user, conversationId)).length, 2)
  })
})

describe('the same turn again', () => {
  test('held: goes on with the same context; only the first call changed anything', async () => {
    const user = await db.newUser()
    const first = await db.reserve(user)
    const again = await db.reserve(user, first)
    assert.deepEqual([again.outcome, again.changed], ['held', false])
    assert.deepEqual(again.context, first.context)
    assert.deepEqual(again.turn, first.turn)
    assert.deepEqual(again.usage.messagesToday, { used: 0, held: 1 })
  })

  test('held, and the plan has changed since: the context is what was held for', async () => {
    const user = await db.newUser()
    const { conversationId } = await db.send(user, { content: 'x'.repeat(700), answer: { content: 'y'.repeat(700) } })
    const first = await db.reserve(user, { conversationId })
    assert.equal(first.context.length, 2) // the answer and the new message
    await db.rows(`update public.user_licenses set tier = 'enterprise' where user_id = $1`, [user.id])
    assert.deepEqual((await db.reserve(user, first)).context, first.context)
  })

  test('dispatched: said so, without content', async () => {
    const user = await db.newUser()
    const first = await db.reserve(user)
    await db.turn('dispatch_turn', user, first.id)
    const again = await db.reserve(user, first)
    assert.deepEqual([again.outcome, again.changed, again.context], ['dispatched', false, null])
  })

  test('settled: the stored outcome', async () => {
    const user = await db.newUser()
    const first = await db.send(user)
    const again = await db.reserve(user, first)
    assert.deepEqual([again.outcome, again.message.content], ['settled', 'Hi'])
    assert.deepEqual(again.usage.messagesToday, { used: 1, held: 0 })
  })

  test('released: a new attempt under the same id, every limit checked again', async () => {
    const user = await db.newUser()
    const first = await db.reserve(user)
    await db.turn('release_turn', user, first.id, { p_reason: 'test' })
    const again = await db.reserve(user, first)
    assert.deepEqual([again.outcome, again.changed], ['held', true])
    assert.equal((await messages(user, first.conversationId)).length, 1)
    await db.turn('release_turn', user, first.id, { p_reason: 'test' })
    await db.rows(`update public.user_licenses set status = 'suspended' where user_id = $1`, [user.id])
    assert.equal((await db.reserve(user, first)).outcome, 'denied')
  })

  test('released: what is said again of the attempt that failed does not end the new one', async () => {
    const user = await db.newUser()
    const first = await db.reserve(user)
    const failed = { p_reason: 'test', p_answer_id: first.turn.answerId }
    assert.equal((await db.turn('release_turn', user, first.id, failed)).turn.state, 'released')
    const again = await db.reserve(user, first)
    const late = await db.turn('release_turn', user, first.id, failed)
    assert.deepEqual([late.turn.state, late.turn.answerId], ['held', again.turn.answerId])
    assert.equal((await db.turn('release_turn', user, first.id, { p_reason: 'test' })).turn.state, 'released')
  })

  test('expired: the charge stands', async () => {
    const user = await db.newUser()
    const first = await db.reserve(user)
    await db.turn('dispatch_turn', user, first.id)
    await db.age(user, '31 seconds')
    const again = await db.reserve(user, first)
    assert.deepEqual([again.outcome, again.turn.costMicroUsd], ['expired_charged', first.turn.holdMicroUsd])
  })

  test('an id that belongs to another request, user or message yields nothing', async () => {
    const { users: [one, two] } = await db.newOrganization()
    const first = await db.send(one)
    for (const [user, options] of [
      [one, { ...first, fingerprint: 'another' }],
      [two, { ...first }],
      [two, { id: first.turn.answerId }],
    ]) {
      const reply = await db.reserve(user, options)
      assert.equal(reply.outcome, 'id_reused')
      assert.deepEqual([reply.turn, reply.usage, reply.message, reply.context], [null, null, undefined, undefined])
    }
    assert.equal((await db.turn('read_turn', two, first.id, { p_after: 0 })).outcome, 'not_found')
    assert.equal((await db.turn('stop_turn', two, first.id)).outcome, 'not_found')
  })
})

describe('money', () => {
  test('cached tokens are part of the prompt and priced once; the sum is rounded up once', async () => {
    const user = await db.newUser('pro')
    await db.rows(`insert into public.model_prices values ('cheap', 1, 150000, 75000, 600000), ('cheap', 2, 300000, 75000, 600000)
      on conflict do nothing`)
    const { id } = await db.reserve(user, { model: 'cheap' })
    await db.turn('dispatch_turn', user, id)
    await db.rows(`insert into public.model_prices values ('cheap', 3, 9000000, 9000000, 9000000)`) // the turn keeps version 2
    const settled = await db.settle(user, id, { prompt: 101, cached: 40, completion: 7 })
    assert.equal(settled.turn.costMicroUsd, Math.ceil((61 * 0.3) + (40 * 0.075) + (7 * 0.6)))
  })

  test('no price is a refusal, a price of zero is not', async () => {
    const user = await db.newUser()
    const unknown = await db.reserve(user, { model: 'no-such-model' })
    assert.deepEqual([unknown.outcome, unknown.field], ['invalid', 'model'])
    await db.rows(`insert into public.model_prices values ('gratis', 1, 0, 0, 0)`)
    const { settled } = await db.send(user, { model: 'gratis' })
    assert.equal(settled.turn.costMicroUsd, 0)
  })

  test('more than was held is charged and flagged', async () => {
    const user = await db.newUser()
    const { settled } = await db.send(user, { answer: { prompt: 5000, completion: 5000 } })
    assert.equal(settled.turn.costMicroUsd, 20_000)
    assert.ok(settled.turn.costMicroUsd > settled.turn.holdMicroUsd)
    assert.ok((await db.row('select is_over_hold from public.chat_turns where user_id = $1', [user.id])).is_over_hold)
  })

  test('a limit that is reached by more than was held is stamped: a good client asks no more', async () => {
    const user = await db.newUser()
    const stamps = () => db.rows('select reason, denials from public.chat_quota_violations where user_id = $1 order by 1', [user.id])
    await db.send(user, { answer: { prompt: 10_000, completion: 0 } })
    assert.deepEqual(await stamps(), [])
    await db.send(user, { answer: { prompt: 10_000, completion: 0 } })
    assert.deepEqual(await stamps(), [{ reason: 'cost_per_day', denials: 0 }])
  })

  test('unknown tokens are charged as estimated', async () => {
    const user = await db.newUser()
    const { settled, turn } = await db.send(user, { answer: { prompt: null, completion: null } })
    assert.equal(settled.turn.costMicroUsd, turn.holdMicroUsd)
    assert.ok((await db.row('select is_estimated from public.chat_turns where user_id = $1', [user.id])).is_estimated)
  })

  test('a stopped answer costs what was sent and generated, never more than the hold', async () => {
    const user = await db.newUser('pro')
    const unknown = await db.send(user, { answer: { content: 'Half', status: 'stopped', prompt: null, completion: null } })
    assert.equal(unknown.settled.turn.costMicroUsd, 2 * (108 + 13 + 4))
    assert.equal(unknown.settled.message.status, 'stopped')
    const above = await db.send(user, { answer: { content: 'Half', status: 'stopped', prompt: 9000, completion: 9000 } })
    assert.equal(above.settled.turn.costMicroUsd, above.turn.holdMicroUsd)
  })
})

describe('stopping, silence and time', () => {
  test('a stop reaches the worker with its next flush', async () => {
    const user = await db.newUser('pro')
    const { id } = await db.reserve(user)
    await db.turn('dispatch_turn', user, id)
    const stopped = await db.turn('stop_turn', user, id)
    assert.deepEqual([stopped.outcome, stopped.turn.stopRequested], ['dispatched', true])
    assert.equal((await db.turn('flush_turn', user, id, { p_content: 'Ha' })).stopRequested, true)
    assert.equal((await db.settle(user, id, { status: 'stopped', content: 'Ha' })).message.status, 'stopped')
    assert.equal((await db.turn('stop_turn', user, id)).outcome, 'settled')
  })

  test('a silent worker: a stop or a resume ends the turn, charges the estimate and keeps what there is', async () => {
    for (const [name, parameters] of [['stop_turn', {}], ['read_turn', { p_after: 0 }]]) {
      const user = await db.newUser('pro')
      const { id, turn } = await db.reserve(user)
      await db.turn('dispatch_turn', user, id)
      await db.turn('flush_turn', user, id, { p_content: 'Half an ans' })
      await db.age(user, '29 seconds')
      assert.equal((await db.turn(name, user, id, parameters)).outcome, 'dispatched')
      await db.age(user, '2 seconds')
      const ended = await db.turn(name, user, id, parameters)
      assert.deepEqual([ended.outcome, ended.turn.costMicroUsd], ['expired_charged', turn.holdMicroUsd])
      assert.deepEqual([ended.message.content, ended.message.status], ['Half an ans', 'failed'])
    }
  })

  test('a worker that died before it asked the provider: a stop or a resume returns the hold', async () => {
    for (const [name, parameters, patience] of [['stop_turn', {}, 30], ['read_turn', { p_after: 0 }, 90]]) {
      const user = await db.newUser('pro')
      const { id } = await db.reserve(user)
      await db.age(user, `${patience - 1} seconds`)
      assert.equal((await db.turn(name, user, id, parameters)).outcome, 'held')
      await db.age(user, '2 seconds')
      const ended = await db.turn(name, user, id, parameters)
      assert.deepEqual([ended.outcome, ended.usage.costTodayMicroUsd], ['released', { used: 0, held: 0 }])
    }
  })

  test('a turn settled after it expired is corrected, once', async () => {
    const user = await db.newUser('pro')
    const { id, conversationId } = await db.reserve(user)
    await db.turn('dispatch_turn', user, id)
    await db.age(user, '16 minutes')
    assert.equal(await db.service('sweep_stale_turns', { p_limit: 1 }), 1)
    const settled = await db.settle(user, id, { content: 'Late', prompt: 10, completion: 10 })
    assert.deepEqual([settled.outcome, settled.turn.costMicroUsd, settled.message.content], ['settled', 40, 'Late'])
    assert.equal((await db.settle(user, id, { prompt: 999, completion: 999 })).turn.costMicroUsd, 40)
    assert.deepEqual((await messages(user, conversationId)).map((m) => m.status), ['complete', 'complete'])
  })

  test('a provider that failed after all: the charge of a turn that expired is taken back, once', async () => {
    const user = await db.newUser('pro')
    const { id, conversationId } = await db.reserve(user)
    await db.turn('dispatch_turn', user, id)
    await db.age(user, '31 seconds')
    assert.equal((await db.turn('read_turn', user, id, { p_after: 0 })).outcome, 'expired_charged')
    const released = await db.turn('release_turn', user, id, { p_reason: 'provider_unavailable' })
    assert.deepEqual([released.outcome, released.turn.costMicroUsd, released.message.status], ['settled', 0, 'failed'])
    assert.deepEqual(released.usage.costTodayMicroUsd, { used: 0, held: 0 })
    assert.equal((await db.settle(user, id)).turn.costMicroUsd, 0)
    assert.equal((await messages(user, conversationId)).length, 2) // its client may know it as answered
  })

  test('the sweeper releases what was never dispatched and charges what was', async () => {
    const user = await db.newUser('pro')
    const held = await db.reserve(user)
    const dispatched = await db.reserve(user)
    await db.turn('dispatch_turn', user, dispatched.id)
    assert.equal(await db.service('sweep_stale_turns', { p_limit: 10 }), 0)
    await db.age(user, '16 minutes')
    assert.equal(await db.service('sweep_stale_turns', { p_limit: 10 }), 2)
    assert.equal((await db.turn('read_turn', user, held.id, { p_after: 0 })).outcome, 'released')
    assert.equal((await db.turn('read_turn', user, dispatched.id, { p_after: 0 })).outcome, 'expired_charged')
  })

  test('a reserve ends its own stale turns first, so no background job is needed', async () => {
    const user = await db.newUser()
    const stale = await db.reserve(user)
    await db.age(user, '16 minutes')
    const next = await db.reserve(user, { conversationId: stale.conversationId })
    assert.equal(next.outcome, 'held')
    assert.deepEqual(next.usage.messagesToday, { used: 0, held: 1 })
    assert.deepEqual(next.usage.liveTurnIds, [next.id])
  })
})

describe('reading a turn', () => {
  test('the answer from any byte, never from within a character', async () => {
    const user = await db.newUser('pro')
    const { id } = await db.reserve(user)
    await db.turn('dispatch_turn', user, id)
    await db.turn('flush_turn', user, id, { p_content: 'Grüße 👋!' }) // bytes: Gr 2, ü 2, ß 2, e 1, space 1, 👋 4, ! 1
    for (const [after, from, text] of [[0, 0, 'Grüße 👋!'], [3, 2, 'üße 👋!'], [4, 4, 'ße 👋!'], [11, 8, '👋!'], [12, 12, '!'],
      [13, 13, ''], [99, 13, '']]) {
      const part = await db.turn('read_turn', user, id, { p_after: after })
      assert.deepEqual([part.from, part.text], [from, text], `after ${after}`)
    }
  })

  test('what a plan does not stream has no partials', async () => {
    const user = await db.newUser('free')
    const { id, turn } = await db.reserve(user)
    assert.equal(turn.streaming, false)
    await db.turn('dispatch_turn', user, id)
    await db.turn('flush_turn', user, id, { p_content: 'Half' })
    assert.equal((await db.turn('read_turn', user, id, { p_after: 0 })).text, '')
    await db.settle(user, id, { content: 'Whole' })
    assert.equal((await db.turn('read_turn', user, id, { p_after: 0 })).text, 'Whole')
  })
})

describe('what is wrong with a request is named', () => {
  test('by field, and nothing is kept', async () => {
    const user = await db.newUser()
    for (const [field, options] of [
      ['content', { content: '  \n' }],
      ['content', { content: 'ü'.repeat(8001) }],
      ['content', { trigger: 'regenerate-message', content: 'text' }],
      ['agent', { agent: 'nobody' }],
      ['trigger', { trigger: 'other', content: 'x' }],
      ['files', { files: -1 }],
      ['answerId', { answerId: null }],
      ['fingerprint', { fingerprint: '' }],
    ]) {
      const reply = await db.reserve(user, options)
      assert.deepEqual([reply.outcome, reply.field], ['invalid', field])
      assert.ok(reply.message)
    }
    assert.equal((await db.reserve(user, { content: 'ü'.repeat(8000) })).verdict.allowed, true)
    const regenerate = await db.reserve(user, { trigger: 'regenerate-message', newConversation: true })
    assert.equal(regenerate.outcome, 'not_found')
  })

  test('an isolation level that could miss what others committed is refused', async () => {
    const user = await db.newUser()
    await assert.rejects(
      db.as('service_role', {}, (query) => query('select public.dispatch_turn($1, $1, $1)', [user.id]), 'repeatable read'),
      /READ COMMITTED/)
  })
})
