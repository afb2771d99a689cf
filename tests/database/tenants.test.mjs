// A stranger sees nothing: the whole catalog, tried from outside. A table, view or function without a rule fails here.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { openDatabase } from './support/database.mjs'

/** Tables everyone signed in may read, since they hold the same rows for all. */
const PUBLIC_KNOWLEDGE = ['license_tiers', 'agents', 'model_prices']

const FOR_USERS = ['check_conversation_length', 'create_conversation', 'delete_conversation', 'get_messages_paginated',
  'list_conversations', 'quota_status', 'rename_conversation', 'usage_history']
const FOR_THE_SERVICE = ['audit_usage', 'claim_subscription', 'cleanup_old_usage_data', 'dispatch_turn', 'flush_turn', 'read_turn',
  'record_subscription', 'release_turn', 'reserve_turn', 'settle_turn', 'stop_turn', 'sweep_stale_turns']

let db, victim, stranger, turn
before(async () => {
  db = await openDatabase()
  victim = await db.newUser('pro')
  stranger = await db.newUser('pro')
  turn = await db.send(victim)
  // One of two turns is at the provider, the other waits, so that slots and queue have a row as well.
  await db.rows('update public.chat_settings set max_provider_calls = 1')
  for (const user of [victim, await db.newUser('pro')]) {
    await db.turn('dispatch_turn', user, (await db.reserve(user)).id)
  }
  await db.rows('update public.chat_settings set max_provider_calls = null')
  await db.rows('update public.license_tiers set max_messages_per_day = 2 where tier = $1', ['pro'])
  assert.equal((await db.reserve(victim)).outcome, 'denied') // so that violations have a row as well
  // And so that subscriptions have.
  await db.rows(`insert into public.billing_prices values ('price_pro', 'pro')`)
  const buyer = await db.newUser()
  await db.rows(`select public.claim_subscription('sub_1', $1, $2)`, [buyer.orgId, buyer.id])
  await db.rows(`select public.record_subscription('sub_1', 'active', array['price_pro'], '2026-01-01')`)
})
after(() => db?.close())

const relations = () => db.rows(`select n.nspname || '.' || quote_ident(c.relname) as name, c.relname::text as short, c.relkind::text as kind
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('public', 'private') and c.relkind in ('r', 'p', 'v', 'm', 'f') order by 1`)

/** Everything in the database, to see that nothing changed. */
async function everything() {
  const content = {}
  for (const { name } of await relations()) content[name] = await db.rows(`select t::text from ${name} t order by 1`)
  return content
}

/** What a statement gave: rows, or the SQLSTATE of the refusal. Any other error is a defect of the test. */
async function attempt(role, claims, sql) {
  try {
    return await db.as(role, claims, (query) => query(sql))
  } catch (error) {
    assert.equal(error.code, '42501', `${sql}: ${error.message}`)
    return error.code
  }
}

async function assertNothingToSee() {
  const before = await everything()
  for (const { name, short, kind } of await relations()) {
    for (const [role, claims] of [['anon', {}], ['authenticated', { sub: stranger.id }], ['authenticated', {}]]) {
      const who = `${role} ${claims.sub ? 'stranger' : 'without a user'} on ${name}`
      const seen = await attempt(role, claims, `select t::text as row from ${name} t`)
      const rows = Array.isArray(seen) ? seen.map(({ row }) => row) : []
      if (!(claims.sub && PUBLIC_KNOWLEDGE.includes(short))) {
        assert.deepEqual(rows.filter((row) => !row.includes(stranger.id)), [], who)
      }
      if (!claims.sub) assert.deepEqual(rows, [], who)
      if (kind === 'v' || kind === 'm') continue
      const columns = (await db.rows(`select quote_ident(attname) as name from pg_attribute
        where attrelid = $1::regclass and attnum > 0 and attgenerated = '' order by attnum`, [name])).map((column) => column.name)
      const set = `${columns[0]} = ${columns[0]}`
      for (const sql of [`update ${name} set ${set} returning 1`, `delete from ${name} returning 1`]) {
        const changed = await attempt(role, claims, sql)
        assert.ok(!Array.isArray(changed) || changed.length === 0, `${who}: ${sql}`)
      }
      const { row: sample } = await db.row(`select quote_literal(to_jsonb(t)) as row from ${name} t limit 1`)
      assert.equal(await attempt(role, claims, `insert into ${name} (${columns})
        select ${columns} from jsonb_populate_record(null::${name}, ${sample})`), '42501', `${who}: insert`)
    }
  }
  assert.deepEqual(await everything(), before)
}

test('row level security is on for every table', async () => {
  assert.deepEqual(await db.rows(`select relname from pg_class where relnamespace in ('public'::regnamespace, 'private'::regnamespace)
    and relkind in ('r', 'p') and not relrowsecurity`), [])
})

test('nobody and a stranger read and change nothing, in any table or view', assertNothingToSee)

test('nobody empties a table', async () => {
  for (const { name, kind } of await relations()) {
    if (kind !== 'r') continue
    for (const [role, claims] of [['anon', {}], ['authenticated', { sub: stranger.id }]]) {
      assert.equal(await attempt(role, claims, `truncate ${name} cascade`), '42501', `${role} on ${name}`)
    }
  }
})

test('every function serves exactly whom it is meant for', async () => {
  const functions = await db.rows(`select p.pronamespace::regnamespace || '.' || p.proname as name, p.proname::text as short,
      p.pronamespace::regnamespace::text as schema, p.prosecdef as definer,
      coalesce(array_to_string(p.proconfig, ','), '') as config,
      array(select r::text from unnest(array['anon', 'authenticated', 'service_role']) r
        where has_function_privilege(r, p.oid, 'execute')) as callers
    from pg_proc p where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace) order by 1`)
  const expected = (fn) => {
    if (fn.schema === 'private') return ['member_org_ids', 'admin_org_ids'].includes(fn.short) ? ['authenticated'] : []
    return FOR_USERS.includes(fn.short) ? ['authenticated'] : ['service_role']
  }
  for (const fn of functions) {
    assert.deepEqual(fn.callers, expected(fn), fn.name)
    assert.equal(fn.config, 'search_path=""', `${fn.name} has a search path of its own`)
  }
  assert.deepEqual(functions.filter((fn) => fn.schema === 'public').map((fn) => fn.short).sort(),
    [...FOR_USERS, ...FOR_THE_SERVICE].sort())
})

/** Calls as one who knows the victim's ids. */
const trespasses = () => [
  ['quota_status', { p_org_id: victim.orgId }],
  ['usage_history', { p_org_id: victim.orgId }],
  ['list_conversations', { p_org_id: victim.orgId }],
  ['create_conversation', { p_id: randomUUID(), p_org_id: victim.orgId }],
  ['get_messages_paginated', { p_conversation_id: turn.conversationId }],
  ['get_messages_paginated', { p_conversation_id: turn.conversationId, p_org_id: victim.orgId }],
  ['check_conversation_length', { p_conversation_id: turn.conversationId, p_org_id: victim.orgId }],
  ['rename_conversation', { p_id: turn.conversationId, p_title: 'mine', p_org_id: victim.orgId }],
  ['delete_conversation', { p_id: turn.conversationId, p_org_id: victim.orgId }],
]

test("a stranger's calls find nothing", async () => {
  const before = await everything()
  for (const [name, parameters] of trespasses()) {
    await assert.rejects(db.rpc(stranger, name, parameters), { code: 'PT404' }, name)
    await assert.rejects(db.call('anon', {}, name, parameters), { code: '42501' }, name)
    await assert.rejects(db.call('authenticated', {}, name, parameters), { code: 'PT401' }, name)
  }
  assert.deepEqual(await db.rpc(stranger, 'delete_conversation', { p_id: turn.conversationId }), { deleted: false })
  assert.deepEqual(await everything(), before)
})

test('the edge function in the name of a stranger finds nothing', async () => {
  for (const [name, parameters] of [['dispatch_turn', {}], ['flush_turn', { p_content: 'x' }], ['stop_turn', {}],
    ['release_turn', { p_reason: 'x' }], ['read_turn', { p_after: 0 }],
    ['settle_turn', { p_content: 'x', p_status: 'complete', p_prompt_tokens: 0, p_cached_tokens: 0, p_completion_tokens: 0 }]]) {
    for (const user of [{ id: stranger.id, orgId: victim.orgId }, stranger]) {
      assert.deepEqual(await db.turn(name, user, turn.id, parameters), { outcome: 'not_found', turn: null, usage: null })
    }
  }
})

describe('who belongs', () => {
  test('an admin reads the usage of the organization, a member only their own, and nobody what others wrote', async () => {
    const { orgId, users: [admin, member] } = await db.newOrganization({ tier: 'enterprise' })
    const sent = await db.send(member)
    const read = (user, table) => db.as('authenticated', { sub: user.id }, (query) =>
      query(`select user_id from public.${table} where org_id = $1`, [orgId]))
    for (const table of ['chat_usage_tracking', 'user_licenses', 'organization_members']) {
      assert.ok((await read(admin, table)).some((row) => row.user_id === member.id), table)
      assert.ok((await read(member, table)).every((row) => row.user_id === member.id), table)
    }
    for (const table of ['conversations', 'chat_messages', 'chat_turns']) {
      assert.equal((await read(admin, table)).length, 0, table)
      assert.ok((await read(member, table)).length > 0, table)
    }
    await assert.rejects(db.rpc(admin, 'get_messages_paginated', { p_conversation_id: sent.conversationId, p_org_id: orgId }), { code: 'PT404' })
  })

  test('one who left reads nothing any more, and their turn still ends in the books', async () => {
    const { orgId, users: [, member] } = await db.newOrganization({ tier: 'enterprise' })
    const sent = await db.send(member)
    const live = await db.reserve(member)
    await db.turn('dispatch_turn', member, live.id)
    await db.rows('delete from public.organization_members where org_id = $1 and user_id = $2', [orgId, member.id])
    await assert.rejects(db.rpc(member, 'quota_status', { p_org_id: orgId }), { code: 'PT404' })
    await assert.rejects(db.rpc(member, 'get_messages_paginated', { p_conversation_id: sent.conversationId, p_org_id: orgId }), { code: 'PT404' })
    const rows = await db.as('authenticated', { sub: member.id }, (query) => query('select * from public.chat_messages where org_id = $1', [orgId]))
    assert.deepEqual(rows, [])
    assert.equal((await db.reserve(member)).outcome, 'not_found')
    assert.equal((await db.turn('read_turn', member, sent.id, { p_after: 0 })).outcome, 'not_found')
    assert.equal((await db.settle(member, live.id)).outcome, 'settled')
    await db.assertSound()
  })
})

// Last: it changes the grants.
test('a stack that grants everything again at boot opens nothing', async () => {
  await db.rows(`grant all on all tables in schema public to anon, authenticated;
    grant all on all functions in schema public to anon, authenticated`)
  await assertNothingToSee()
  const before = await everything()
  const own = await db.reserve(stranger)
  const key = { p_org_id: stranger.orgId, p_turn_id: own.id, p_user_id: stranger.id }
  for (const [name, parameters] of [
    ['settle_turn', { ...key, p_content: '', p_status: 'complete', p_prompt_tokens: 0, p_cached_tokens: 0, p_completion_tokens: 0 }],
    ['release_turn', { ...key, p_reason: '' }], ['dispatch_turn', key], ['flush_turn', { ...key, p_content: '' }],
    ['stop_turn', key], ['read_turn', { ...key, p_after: 0 }], ['sweep_stale_turns', {}], ['cleanup_old_usage_data', {}],
    ['audit_usage', {}], ['claim_subscription', { p_subscription_id: 'sub_2', p_org_id: stranger.orgId, p_user_id: stranger.id }],
    ['record_subscription', { p_subscription_id: 'sub_1', p_status: 'active', p_price_ids: ['price_pro'], p_told_at: '2026-01-02' }],
  ]) {
    await assert.rejects(db.rpc(stranger, name, parameters), { code: 'PT403' }, name)
    await assert.rejects(db.call('anon', {}, name, parameters), { code: 'PT403' }, name)
  }
  for (const [name, parameters] of trespasses()) await assert.rejects(db.call('anon', {}, name, parameters), { code: 'PT401' }, name)
  await db.turn('release_turn', stranger, own.id, { p_reason: 'test' })
  assert.deepEqual(Object.keys(await everything()), Object.keys(before))
  await db.assertSound()
})
