// Licences and what is paid for them: two pieces of news at the same moment, and what is none of billing's business.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openDatabase } from './support/database.mjs'

let db
before(async () => {
  db = await openDatabase()
  await db.rows(`insert into billing_prices values ('price_pro', 'pro'), ('price_enterprise', 'enterprise')`)
})
after(() => db?.close())

async function someoneWaits() {
  const waiting = () => db.rows(`select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`)
  while ((await waiting()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('the larger plan ends while the smaller one begins', async () => {
  const user = await db.newUser()
  const [large, small] = [`${user.id}-large`, `${user.id}-small`]
  const claim = (id) => db.service('claim_subscription', { p_subscription_id: id, p_org_id: user.orgId, p_user_id: user.id })
  const news = (id, status, price, second) => ({
    p_subscription_id: id, p_status: status, p_price_ids: [price], p_told_at: `2026-11-25T12:00:0${second}Z`,
  })
  await claim(large)
  await claim(small)
  await db.service('record_subscription', news(large, 'active', 'price_enterprise', 1))

  const first = await db.pool.connect()
  let second
  try {
    await first.query('begin')
    const { p_subscription_id, p_status, p_price_ids, p_told_at } = news(large, 'canceled', 'price_enterprise', 2)
    await first.query('select record_subscription($1, $2, $3, $4)', [p_subscription_id, p_status, p_price_ids, p_told_at])
    second = db.service('record_subscription', news(small, 'active', 'price_pro', 2))
    await someoneWaits()
    await first.query('commit')
  } finally {
    first.release()
  }
  assert.deepEqual(await second, { isNews: true, isClaimed: true })
  assert.deepEqual(await db.rows('select tier, status from user_licenses where user_id = $1', [user.id]), [{ tier: 'pro', status: 'active' }])
})

test('billing ends and lifts nothing that somebody else did', async () => {
  const news = (id, status, second, price = 'price_pro') => db.service('record_subscription', {
    p_subscription_id: id, p_status: status, p_price_ids: [price], p_told_at: `2026-11-25T12:00:0${second}Z`,
  })
  const claim = (id, user) => db.service('claim_subscription', { p_subscription_id: id, p_org_id: user.orgId, p_user_id: user.id })
  const licence = async (user) => {
    const { tier, status } = await db.row('select tier, status from user_licenses where org_id = $1 and user_id = $2', [user.orgId, user.id])
    return `${tier}, ${status}`
  }

  const granted = await db.newUser('enterprise')
  await claim('gift', granted)
  await news('gift', 'active', 1)
  assert.equal(await licence(granted), 'enterprise, active', 'a smaller plan takes nothing away')
  await news('gift', 'canceled', 2)
  assert.equal(await licence(granted), 'enterprise, active', 'and its end ends nothing')
  const other = await db.newUser('pro')
  await claim('of another product', other)
  await news('of another product', 'active', 1, 'price_of_a_book')
  assert.equal(await licence(other), 'pro, active')

  const abuser = await db.newUser()
  await claim('of the abuser', abuser)
  await news('of the abuser', 'active', 1)
  await db.rows(`update user_licenses set status = 'suspended' where user_id = $1`, [abuser.id])
  await news('of the abuser', 'active', 2)
  assert.equal(await licence(abuser), 'pro, suspended')
  await news('of the abuser', 'canceled', 3)
  assert.equal(await licence(abuser), 'free, suspended')
  await db.rows(`update user_licenses set tier = 'enterprise', status = 'active' where user_id = $1`, [abuser.id])
  await db.rows(`update billing_prices set tier = tier`)
  assert.equal(await licence(abuser), 'enterprise, active', 'what ended long ago ends nothing again')
})

test('a price and the news of it, at the same moment', async () => {
  const user = await db.newUser()
  await db.service('claim_subscription', { p_subscription_id: 'early', p_org_id: user.orgId, p_user_id: user.id })
  const first = await db.pool.connect()
  let second
  try {
    await first.query('begin')
    await first.query(`insert into billing_prices values ('price_new', 'pro')`)
    second = db.service('record_subscription', {
      p_subscription_id: 'early', p_status: 'active', p_price_ids: ['price_new'], p_told_at: '2026-11-25T12:00:00Z',
    })
    await someoneWaits()
    await first.query('commit')
  } finally {
    first.release()
  }
  await second
  assert.deepEqual(await db.rows('select tier from user_licenses where user_id = $1', [user.id]), [{ tier: 'pro' }])
})

test('news does not wait for a message that is being sent, and a message not for news of another seat', async () => {
  const [user, other] = [await db.newUser(), await db.newUser()]
  await db.service('claim_subscription', { p_subscription_id: 'sub_of_user', p_org_id: user.orgId, p_user_id: user.id })
  const turn = await db.reserve(user)
  await db.service('record_subscription', {
    p_subscription_id: 'sub_of_user', p_status: 'active', p_price_ids: ['price_pro'], p_told_at: '2026-11-25T12:00:00Z',
  })
  await db.turn('dispatch_turn', user, turn.id)
  await db.settle(user, turn.id)
  await db.send(other)
  assert.equal((await db.reserve(user, { agent: 'coding' })).outcome, 'held', 'the plan counts from the next message on')
  await db.assertSound()
})
