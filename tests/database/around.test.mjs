// The ways around: what a user may try to get more than the plan gives, and what an operator may store to break it for all.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, describe, test } from 'node:test'
import { openDatabase } from './support/database.mjs'

let db
before(async () => { db = await openDatabase() })
afterEach(() => db.assertSound())
after(() => db?.close())

const spentHour = async (user, conversationId = randomUUID()) => {
  for (let i = 0; i < 10; i++) await db.send(user, { conversationId })
}

/** A UUIDv7 as a client would make it whose clock shows this time, in milliseconds since 1970. */
function uuidAt(ms) {
  const hex = Math.floor(ms).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${randomUUID().slice(15)}`
}

describe('for more than the plan gives', () => {
  test('deleting the conversation, or all of them, gives no message back', async () => {
    const user = await db.newUser()
    const conversationId = randomUUID()
    await spentHour(user, conversationId)
    const before = (await db.rpc(user, 'quota_status')).usage
    await db.rpc(user, 'delete_conversation', { p_id: conversationId })
    const { usage } = await db.rpc(user, 'quota_status')
    for (const counter of ['messagesToday', 'messagesThisHour', 'costTodayMicroUsd', 'hourFreesAt']) {
      assert.deepEqual(usage[counter], before[counter], counter)
    }
    assert.equal((await db.reserve(user)).outcome, 'denied')
    // Not even when it is gone for good.
    await db.rows('update public.chat_settings set deleted_conversation_retention_days = 0')
    assert.equal((await db.service('cleanup_old_usage_data')).conversations, 1)
    assert.equal((await db.reserve(user)).outcome, 'denied')
  })

  test('deleting under a live turn, and its release, give back what was held once', async () => {
    const user = await db.newUser()
    for (let i = 0; i < 12; i++) {
      const { id, conversationId } = await db.reserve(user)
      await db.rpc(user, 'delete_conversation', { p_id: conversationId })
      await db.turn('release_turn', user, id, { p_reason: 'test' })
      await db.turn('release_turn', user, id, { p_reason: 'test' })
    }
    const { usage } = await db.rpc(user, 'quota_status')
    assert.deepEqual([usage.messagesToday, usage.conversations], [{ used: 0, held: 0 }, { used: 0, held: 0 }])
  })

  test('founding organizations, joining them or giving oneself a licence is not for users', async () => {
    const user = await db.newUser()
    const orgId = randomUUID()
    for (const sql of [
      `insert into public.organizations (id, name) values ('${orgId}', 'Mine')`,
      `insert into public.organization_members (org_id, user_id, role) values ('${user.id}', '${user.id}', 'owner')`,
      `insert into public.user_licenses (org_id, user_id, tier) values ('${user.id}', '${user.id}', 'enterprise')`,
      `update public.user_licenses set tier = 'enterprise'`,
      `update public.organizations set time_zone = 'Asia/Tokyo'`,
      `delete from public.chat_turns`,
    ]) {
      await assert.rejects(db.as('authenticated', { sub: user.id }, (query) => query(sql)), { code: '42501' }, sql)
    }
    // Even where somebody founded one: a second free seat does not exist.
    await db.rows(`insert into public.organizations (id, name) values ($1, 'More')`, [orgId])
    await db.rows(`insert into public.organization_members (org_id, user_id) values ($1, $2)`, [orgId, user.id])
    await assert.rejects(db.rows(`insert into public.user_licenses (org_id, user_id, tier) values ($1, $2, 'free')`, [orgId, user.id]),
      /free_only_in_personal_organization/)
    const denied = await db.reserve({ id: user.id, orgId })
    assert.deepEqual([denied.outcome, denied.verdict.reason], ['denied', 'license_inactive'])
  })

  test('leaving an organization and joining again forgets nothing', async () => {
    const { orgId, users: [user] } = await db.newOrganization()
    await db.withTier('pro', 'max_messages_per_day = 2', async () => {
      await db.send(user)
      const { settled } = await db.send(user)
      await db.rows('delete from public.organization_members where org_id = $1 and user_id = $2', [orgId, user.id])
      await db.rows('insert into public.organization_members (org_id, user_id) values ($1, $2)', [orgId, user.id])
      await db.rows(`insert into public.user_licenses (org_id, user_id, tier) values ($1, $2, 'pro')`, [orgId, user.id])
      const { usage } = await db.rpc(user, 'quota_status', { p_org_id: orgId })
      assert.deepEqual([usage.messagesToday.used, usage.conversations.used], [2, 2])
      assert.ok(usage.version > settled.usage.version, 'else the client takes it for an older one')
      assert.equal((await db.reserve(user)).outcome, 'denied')
    })
  })

  test('regenerating costs a message, however often', async () => {
    const user = await db.newUser()
    const { conversationId } = await db.send(user)
    for (let i = 0; i < 9; i++) await db.send(user, { conversationId, trigger: 'regenerate-message' })
    const denied = await db.reserve(user, { conversationId, trigger: 'regenerate-message' })
    assert.deepEqual([denied.outcome, denied.verdict.reason], ['denied', 'messages_per_hour'])
  })

  test('a clock set wrong on the client moves neither the windows nor the order of messages', async () => {
    const user = await db.newUser()
    const conversationId = randomUUID()
    const year = 365 * 86_400_000
    const clocks = [0, 10 * year, -10 * year, 3_600_000, -3_600_000, 86_400_000, -86_400_000, year, -year, 1]
    for (const [i, skew] of clocks.entries()) {
      const { turn } = await db.send(user, { id: uuidAt(Date.now() + skew), answerId: uuidAt(Date.now() - skew), conversationId, content: `${i}` })
      assert.ok(Math.abs(turn.createdAt - Date.now()) < 60_000)
    }
    const denied = await db.reserve(user, { id: uuidAt(Date.now() + year), conversationId, content: 'x' })
    assert.deepEqual([denied.outcome, denied.verdict.reason], ['denied', 'messages_per_hour'])
    const { messages } = await db.rpc(user, 'get_messages_paginated', { p_conversation_id: conversationId })
    assert.deepEqual(messages.filter((m) => m.role === 'user').map((m) => m.content), clocks.map((_, i) => `${i}`).reverse())
  })

  test('the same message in many conversations, or under many ids, is as many messages', async () => {
    const user = await db.newUser()
    const fingerprint = 'the same'
    const replies = []
    for (let i = 0; i < 11; i++) replies.push((await db.reserve(user, { content: 'Same', fingerprint })).outcome)
    assert.deepEqual(replies, [...Array(10).fill('held'), 'denied'])
  })
})

describe('what an operator may store', () => {
  test('figures meant as no limit are none, and break nothing', async () => {
    const { orgId, users: [user] } = await db.newOrganization({ messagesPerDay: '9223372036854775807', monthlyBudget: '9223372036854775807' })
    await db.withTier('pro', `max_messages_per_day = 2147483647, max_messages_per_hour = 2147483647,
      max_messages_per_conversation = 2147483647, max_conversations = 2147483647,
      max_cost_per_day_micro_usd = 9223372036854775807`, async () => {
      const { settled } = await db.send(user)
      assert.equal(settled.outcome, 'settled')
      const { usage } = await db.rpc(user, 'quota_status', { p_org_id: orgId })
      assert.equal(usage.messagesToday.used, 1)
    })
  })

  test('a licence that ends never, or has always been over', async () => {
    const user = await db.newUser()
    await db.rows(`update public.user_licenses set expires_at = 'infinity' where user_id = $1`, [user.id])
    const { settled } = await db.send(user)
    assert.deepEqual(settled.usage.license, { tier: 'free', status: 'active', expiresAt: null })
    await db.rows(`update public.user_licenses set expires_at = '-infinity' where user_id = $1`, [user.id])
    const denied = await db.reserve(user)
    assert.deepEqual([denied.outcome, denied.verdict.reason, denied.usage.license.status], ['denied', 'license_inactive', 'expired'])
  })

  test('an organization in a zone that does not exist is refused when it is founded', async () => {
    await assert.rejects(db.rows(`insert into public.organizations (id, time_zone) values (gen_random_uuid(), 'Nowhere/At_All')`),
      { code: 'PT400' })
  })

  test('cached input that costs more than input is refused: a hold would be no upper bound', async () => {
    await assert.rejects(db.rows(`insert into public.model_prices values ('odd', 1, 10, 11, 10)`), /cached_input_costs_no_more/)
  })
})
