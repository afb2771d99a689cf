// Priority admission: calls of the provider are capped, the rest waits, by plan and by how long it waits already.

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { openDatabase } from './support/database.mjs'

const CONNECTIONS = 64

let db
before(async () => {
  db = await openDatabase()
  await Promise.all(Array.from({ length: CONNECTIONS }, () => db.rows('select 1'))) // all connected before the race
})
beforeEach(() => cap(2))
afterEach(async () => {
  await db.assertSound()
  // Every test leaves by the front door: what has ended holds no slot and waits for none.
  await db.rows(`select public.release_turn(org_id, id, user_id, 'test') from public.chat_turns where state in ('held', 'dispatched')`)
  assert.deepEqual(await slots(), [])
  assert.deepEqual(await db.rows('select turn_id from private.provider_queue'), [])
  await db.assertSound()
})
after(() => db?.close())

const cap = (calls) => db.rows('update public.chat_settings set max_provider_calls = $1', [calls])
const slots = async () => (await db.rows('select turn_id from private.provider_slots where leased_until > now() order by slot'))
  .map((row) => row.turn_id)
const dispatch = (turn) => db.turn('dispatch_turn', turn.user, turn.id)

/** A reserved turn of a new user of a plan. */
async function newTurn(tier = 'pro') {
  const user = await db.newUser(tier)
  return { user, id: (await db.reserve(user)).id }
}

/** Turns under way, in all slots. */
const fill = async (calls) => {
  const turns = []
  for (let i = 0; i < calls; i++) {
    turns.push(await newTurn())
    assert.equal((await dispatch(turns[i])).won, true)
  }
  return turns
}

/** Makes a turn's waiting older. */
const age = (turn, interval) => db.rows(`with aged as (
    update public.chat_turns set queued_at = queued_at - $2::interval where id = $1)
  update private.provider_queue set rank_at = rank_at - $2::interval where turn_id = $1`, [turn.id, interval])

test('without a cap nobody waits, and there is neither slot nor queue', async () => {
  await cap(null)
  for (let i = 0; i < 5; i++) assert.deepEqual((await dispatch(await newTurn())).won, true)
  assert.deepEqual(await slots(), [])
})

test('one too many waits with its position, and gets the slot that is given back', async () => {
  const [first, second] = await fill(2)
  const third = await newTurn()
  const waiting = await dispatch(third)
  assert.deepEqual([waiting.outcome, waiting.won, waiting.position, waiting.turn.state], ['held', false, 1, 'held'])
  const fourth = await newTurn()
  assert.equal((await dispatch(fourth)).position, 2)
  assert.equal((await db.turn('read_turn', fourth.user, fourth.id, { p_after: 0 })).position, 2)

  await db.settle(first.user, first.id)
  assert.equal((await dispatch(fourth)).position, 2) // the slot is the third's
  assert.equal((await dispatch(third)).won, true)
  assert.equal((await dispatch(fourth)).position, 1)
  await db.turn('release_turn', second.user, second.id, { p_reason: 'test' })
  assert.equal((await dispatch(fourth)).won, true)
  assert.equal((await dispatch(fourth)).won, false)
  assert.deepEqual((await slots()).sort(), [third.id, fourth.id].sort())
})

test('a dearer plan is served first, and waiting makes up for it', async () => {
  const [first] = await fill(2)
  const free = await newTurn('free')
  const pro = await newTurn('pro')
  const enterprise = await newTurn('enterprise')
  for (const turn of [free, pro, enterprise]) await dispatch(turn)
  const positions = async () => [(await dispatch(free)).position, (await dispatch(pro)).position, (await dispatch(enterprise)).position]
  assert.deepEqual(await positions(), [3, 2, 1])
  await age(free, '15 seconds') // a step of priority is ten seconds
  assert.deepEqual(await positions(), [2, 3, 1])
  await age(free, '10 seconds')
  assert.deepEqual(await positions(), [1, 3, 2])

  // However many enterprise turns come now, the free one is next.
  const late = []
  for (let i = 0; i < 3; i++) late.push(await newTurn('enterprise'))
  for (const turn of late) assert.ok((await dispatch(turn)).position > 1)
  await db.settle(first.user, first.id)
  for (const turn of [...late, pro, enterprise]) assert.equal((await dispatch(turn)).won, false)
  assert.equal((await dispatch(free)).won, true)
})

test('a newcomer takes a free slot at once, but not one that others wait for', async () => {
  const [first] = await fill(2)
  const waiting = await newTurn('pro')
  await dispatch(waiting)
  await db.settle(first.user, first.id)
  assert.equal((await dispatch(await newTurn('free'))).won, false)
  assert.equal((await dispatch(waiting)).won, true)
})

test('one who asks no more is passed over, and keeps the place on coming back', async () => {
  const [first] = await fill(2)
  const gone = await newTurn()
  const next = await newTurn()
  await dispatch(gone)
  assert.equal((await dispatch(next)).position, 2)
  await db.rows(`update private.provider_queue set asked_at = asked_at - interval '6 seconds' where turn_id = $1`, [gone.id])
  assert.equal((await dispatch(next)).position, 1)
  assert.equal((await dispatch(gone)).position, 1)
  assert.equal((await dispatch(next)).position, 2)
  await db.rows(`update private.provider_queue set asked_at = asked_at - interval '6 seconds' where turn_id = $1`, [gone.id])
  await db.settle(first.user, first.id)
  assert.equal((await dispatch(next)).won, true)
})

test('after a minute of waiting the hold goes back', async () => {
  await fill(2)
  const turn = await newTurn()
  await dispatch(turn)
  await age(turn, '59 seconds')
  assert.equal((await dispatch(turn)).outcome, 'held')
  await age(turn, '1 second')
  const ended = await dispatch(turn)
  assert.deepEqual([ended.outcome, ended.won, ended.position], ['released', false, undefined])
  assert.deepEqual([ended.usage.messagesToday, ended.usage.costTodayMicroUsd], [{ used: 0, held: 0 }, { used: 0, held: 0 }])
  assert.equal((await dispatch(turn)).outcome, 'released')
})

test('who comes after a minute and finds a free slot is served', async () => {
  const [first] = await fill(2)
  const turn = await newTurn()
  await dispatch(turn)
  await age(turn, '61 seconds')
  await db.settle(first.user, first.id)
  assert.equal((await dispatch(turn)).won, true)
})

test("a crashed worker's slot lapses after 30 seconds without a flush; a living one keeps it", async () => {
  const [dead, alive] = await fill(2)
  const waiting = await newTurn()
  await dispatch(waiting)
  await db.rows(`update private.provider_slots set leased_until = leased_until - interval '29 seconds'`)
  await db.turn('flush_turn', alive.user, alive.id, { p_content: 'Ha' })
  assert.equal((await dispatch(waiting)).won, false)
  await db.rows(`update private.provider_slots set leased_until = leased_until - interval '1 second'`)
  assert.equal((await dispatch(waiting)).won, true)
  assert.deepEqual((await slots()).sort(), [alive.id, waiting.id].sort())
  // The dead one comes back to life: it ends in the books, and takes and gives back nothing that is another's.
  await db.turn('flush_turn', dead.user, dead.id, { p_content: 'Late' })
  assert.equal((await db.settle(dead.user, dead.id)).outcome, 'settled')
  assert.deepEqual((await slots()).sort(), [alive.id, waiting.id].sort())
})

test('a worker found dead by whoever resumes gives its slot back', async () => {
  const [dead] = await fill(2)
  await db.age(dead.user, '31 seconds')
  assert.equal((await db.turn('read_turn', dead.user, dead.id, { p_after: 0 })).outcome, 'expired_charged')
  assert.equal((await slots()).length, 1)
  assert.equal((await db.settle(dead.user, dead.id)).outcome, 'settled') // the correction finds nothing to give back
})

test('a turn that waits is stopped without having asked the provider: nothing is charged', async () => {
  await fill(2)
  const turn = await newTurn()
  await dispatch(turn)
  assert.equal((await db.turn('stop_turn', turn.user, turn.id)).outcome, 'held')
  const dispatched = await dispatch(turn)
  assert.deepEqual([dispatched.won, dispatched.turn.stopRequested], [true, true])
  assert.equal((await slots()).length, 2)
  const settled = await db.settle(turn.user, turn.id, { content: '', status: 'stopped', prompt: 0, completion: 0 })
  assert.deepEqual([settled.outcome, settled.turn.costMicroUsd], ['settled', 0])
})

test('a stop does not end a turn whose worker waits; when the worker is gone, it does', async () => {
  await fill(2)
  const turn = await newTurn()
  await db.age(turn.user, '50 seconds')
  await dispatch(turn)
  assert.equal((await db.turn('stop_turn', turn.user, turn.id)).outcome, 'held')
  await db.age(turn.user, '31 seconds')
  assert.equal((await db.turn('stop_turn', turn.user, turn.id)).outcome, 'released')
})

test('a cap may be changed at any time', async () => {
  const turns = await fill(2)
  const waiting = [await newTurn(), await newTurn(), await newTurn()]
  for (const turn of waiting) assert.equal((await dispatch(turn)).won, false)
  await cap(3)
  assert.equal((await dispatch(waiting[0])).won, true)
  await cap(1)
  await db.settle(turns[1].user, turns[1].id) // slot 2
  assert.equal((await dispatch(waiting[1])).won, false)
  await db.settle(turns[0].user, turns[0].id) // slot 1
  assert.equal((await dispatch(waiting[1])).won, true)
  await cap(null)
  assert.equal((await dispatch(waiting[2])).won, true)
})

test('on 64 connections the cap is never exceeded, and everybody is served', async () => {
  await cap(5)
  const turns = await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => newTurn(['free', 'pro', 'enterprise'][i % 3])))
  let most = 0
  let atWork = 0
  await Promise.all(turns.map(async (turn) => {
    for (;;) {
      const reply = await dispatch(turn)
      if (reply.won) break
      assert.ok(reply.position >= 1 && reply.position <= CONNECTIONS)
    }
    // Counted here as well as there: between winning and settling, nobody else may be the sixth.
    most = Math.max(most, ++atWork)
    assert.ok((await slots()).length <= 5)
    await db.turn('flush_turn', turn.user, turn.id, { p_content: 'Ha' })
    atWork--
    await db.settle(turn.user, turn.id)
  }))
  assert.ok(most <= 5 && most > 1, `${most} at once`)
})
