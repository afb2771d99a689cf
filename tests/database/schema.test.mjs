// The migrations apply everywhere, and everything the guide names is there under its name.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { PGlite } from '@electric-sql/pglite'
import { systemPostgresBinaries } from '../../tools/postgres.mjs'
import { migrate, migrations, openDatabase, SUPABASE_SQL } from './support/database.mjs'

/** Reference tables hold the same rows for everyone; all others belong to tenants. */
const REFERENCE_TABLES = ['license_tiers', 'agents', 'model_prices', 'chat_settings', 'billing_prices']

let db
before(async () => { db = await openDatabase() })
after(() => db?.close())

test('the migrations apply on PGlite and serve a turn there', async () => {
  const pglite = new PGlite()
  try {
    await pglite.exec(SUPABASE_SQL)
    await migrate((sql) => pglite.exec(sql))
    const user = '00000000-0000-4000-8000-00000000000a'
    await pglite.query('insert into auth.users (id) values ($1)', [user])
    const { rows } = await pglite.query(
      `select public.reserve_turn($1, gen_random_uuid(), $1, gen_random_uuid(), true, 'executive', 'submit-message', 'Hello',
         0, null, gen_random_uuid(), 10, 'f') as reply`, [user])
    assert.equal(rows[0].reply.outcome, 'held')
    assert.deepEqual((await pglite.query('select * from public.audit_usage()')).rows, [])
  } finally {
    await pglite.close()
  }
})

test('the migrations apply on the PostgreSQL of the system and serve a turn there', {
  skip: systemPostgresBinaries() === null && 'no PostgreSQL 15 or later is installed',
}, async () => {
  const system = await openDatabase({ version: 'system' })
  try {
    const user = await system.newUser()
    const { settled } = await system.send(user)
    assert.equal(settled.outcome, 'settled')
    await system.assertSound()
  } finally {
    await system.close()
  }
})

test('the plans are those of the guide', async () => {
  const tiers = await db.rows(`select tier, price_usd_per_month as price, max_messages_per_day as day,
    max_messages_per_hour as hour, max_messages_per_conversation as conversation, agents, file_uploads, streaming,
    custom_integrations, max_cost_per_day_micro_usd as cost, max_conversations as kept
    from public.license_tiers order by price_usd_per_month`)
  assert.deepEqual(tiers, [
    { tier: 'free', price: 0, day: 20, hour: 10, conversation: 50, agents: ['executive'], file_uploads: false,
      streaming: false, custom_integrations: false, cost: 40_000, kept: 20 },
    { tier: 'pro', price: 29, day: 500, hour: 100, conversation: 200, agents: null, file_uploads: true,
      streaming: true, custom_integrations: false, cost: 1_000_000, kept: 500 },
    { tier: 'enterprise', price: 99, day: 2000, hour: 500, conversation: 1000, agents: null, file_uploads: true,
      streaming: true, custom_integrations: true, cost: 4_000_000, kept: 5000 },
  ])
})

test("a day's messages fit the day's cost at the default price", async () => {
  const [price] = await db.rows(`select p.* from public.model_prices p join public.chat_settings s on s.default_model = p.model`)
  const microUsd = (tokens, rate) => (tokens * rate) / 1_000_000
  for (const tier of await db.rows('select * from public.license_tiers')) {
    // Every message with a full context, 200 bytes of its own and a system prompt of 300, at four bytes a token,
    // answered to the full length; the last one must still fit with its hold, which counts a token for every byte.
    const bytes = tier.context_token_budget + 200 + 300
    const cost = microUsd(bytes / 4, price.input_micro_usd_per_million)
      + microUsd(tier.max_output_tokens, price.output_micro_usd_per_million)
    const hold = microUsd(bytes + 16, price.input_micro_usd_per_million)
      + microUsd(tier.max_output_tokens, price.output_micro_usd_per_million)
    const day = (tier.max_messages_per_day - 1) * cost + hold
    assert.ok(day <= tier.max_cost_per_day_micro_usd, `${tier.tier}: ${day} > ${tier.max_cost_per_day_micro_usd}`)
  }
})

test('tables, columns and indexes have the names of the guide', async () => {
  const columns = async (table) => (await db.rows(
    `select column_name from information_schema.columns where table_schema = 'public' and table_name = $1`, [table],
  )).map((row) => row.column_name)
  for (const name of ['user_id', 'tier', 'status', 'expires_at']) {
    assert.ok((await columns('user_licenses')).includes(name), name)
  }
  for (const name of ['user_id', 'date', 'messages_sent', 'ai_requests_made', 'estimated_cost_usd']) {
    assert.ok((await columns('chat_usage_tracking')).includes(name), name)
  }
  const indexes = (await db.rows(`select indexname from pg_indexes where schemaname = 'public'`)).map((row) => row.indexname)
  for (const name of ['idx_chat_messages_conversation_user', 'idx_chat_messages_created_at', 'idx_conversations_user_updated',
    'idx_usage_tracking_user_date']) {
    assert.ok(indexes.includes(name), name)
  }
})

test("the guide's business queries run", async () => {
  const user = await db.newUser()
  await db.send(user)
  const top = await db.rows(`
    SELECT user_id, SUM(messages_sent), SUM(estimated_cost_usd)
    FROM chat_usage_tracking
    WHERE date >= CURRENT_DATE - INTERVAL '30 days'
    GROUP BY user_id
    ORDER BY SUM(estimated_cost_usd) DESC`)
  assert.deepEqual(top.find((row) => row.user_id === user.id), { user_id: user.id, sum: '0.000120' })

  await db.rows('update public.chat_usage_tracking set messages_sent = 18 where user_id = $1', [user.id])
  const conversion = await db.rows(`
    SELECT u.id, ul.tier, usage.messages_sent
    FROM users u
    JOIN user_licenses ul ON u.id = ul.user_id
    JOIN chat_usage_tracking usage ON u.id = usage.user_id
    WHERE ul.tier = 'free'
      AND usage.messages_sent >= 18  -- Close to 20/day limit
      AND usage.date = CURRENT_DATE`)
  assert.deepEqual(conversion, [{ id: user.id, tier: 'free', messages_sent: 18 }])
  await db.rows('update public.chat_usage_tracking set messages_sent = 1 where user_id = $1', [user.id])
  await db.assertSound()
})

test('an app that has something of these names is refused before anything is made', async () => {
  const [{ sql }] = migrations()
  const guarded = /unnest\(array\[(.*?)\]\) name/s.exec(sql)[1].match(/\w+/g).sort()
  const made = await db.rows(`
    select relname::text as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
    union select proname::text from pg_proc where pronamespace = 'public'::regnamespace order by 1`)
  assert.deepEqual(guarded, made.map(({ name }) => name).sort())
})

test('a table is marked as reference, or belongs to tenants', async () => {
  const tables = await db.rows(`select c.relname::text as name, coalesce(obj_description(c.oid), '') like 'Reference table:%' as marked,
      exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id' and a.attnotnull) as tenants
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')`)
  for (const { name, marked, tenants } of tables) {
    assert.deepEqual([marked, tenants || name === 'organizations'], REFERENCE_TABLES.includes(name) ? [true, false] : [false, true], name)
  }
})

test('every key of a tenant table contains the organization', async () => {
  const keys = await db.rows(`
    select c.conrelid::regclass::text as "table", c.conname as name,
      array(select attname::text from pg_attribute where attrelid = c.conrelid and attnum = any (c.conkey)) as columns,
      c.confrelid::regclass::text as refers_to
    from pg_constraint c join pg_class t on t.oid = c.conrelid
    where t.relnamespace = 'public'::regnamespace and c.contype in ('p', 'u', 'f')
    union all
    select i.indrelid::regclass::text, i.indexrelid::regclass::text,
      array(select attname::text from pg_attribute where attrelid = i.indrelid and attnum = any (i.indkey)), '-'
    from pg_index i join pg_class t on t.oid = i.indrelid
    where t.relnamespace = 'public'::regnamespace and i.indisunique`)
  assert.ok(keys.length > 20)
  for (const key of keys) {
    if (REFERENCE_TABLES.includes(key.table) || REFERENCE_TABLES.includes(key.refers_to)) continue
    const tenant = key.table === 'organizations' ? 'id' : 'org_id'
    assert.ok(key.columns.includes(tenant), `${key.table}: ${key.name} (${key.columns})`)
    assert.notEqual(key.refers_to, 'auth.users')
  }
})

test('every statement on the common path names the organization', async () => {
  // What runs with every message. A statement that touches a tenant's table without its key would ask every shard.
  const paths = ['reserve_turn', 'dispatch_turn', 'flush_turn', 'settle_turn', 'release_turn', 'stop_turn', 'read_turn',
    'quota_status', 'get_messages_paginated']
  const functions = new Map((await db.rows(`select proname as name, prosrc as body from pg_proc
    where pronamespace in ('public'::regnamespace, 'private'::regnamespace)`)).map((fn) => [fn.name, fn.body]))
  const tenantTables = (await db.rows(`select relname as name from pg_class where relnamespace = 'public'::regnamespace
    and relkind = 'r'`)).map((table) => table.name).filter((name) => !REFERENCE_TABLES.includes(name))
  // Those functions, and what they call.
  const reached = new Set(paths)
  for (const name of reached) {
    for (const [, called] of functions.get(name).matchAll(/private\.(\w+)\(/g)) if (functions.has(called)) reached.add(called)
  }
  assert.ok(reached.size > 25, [...reached].join())
  const touches = new RegExp(`\\b(from|join|update|into) public\\.(${tenantTables.join('|')})\\b`)
  let seen = 0
  for (const name of reached) {
    for (const statement of functions.get(name).replace(/--.*$/gm, '').split(';')) {
      if (!touches.test(statement)) continue
      seen += 1
      assert.match(statement, /\borg_id\b|organizations where id = /, `${name}: ${statement}`)
    }
  }
  assert.ok(seen > 50, `${seen} statements`)
})

test('a negative price and a free licence outside the personal organization cannot be stored', async () => {
  await assert.rejects(db.rows(`insert into public.model_prices values ('m', 1, -1, 0, 0)`), /check constraint/)
  const { orgId, users } = await db.newOrganization()
  await assert.rejects(db.rows(`update public.user_licenses set tier = 'free' where org_id = $1 and user_id = $2`,
    [orgId, users[0].id]), /free_only_in_personal_organization/)
})

test('a new user gets a personal organization, its ownership and a free licence', async () => {
  const user = await db.newUser()
  const { usage, tiers, prices, defaultModel, agents } = await db.rpc(user, 'quota_status')
  assert.deepEqual(usage.organization, { id: user.id, name: user.id.slice(0, 8), timeZone: 'UTC', role: 'owner' })
  assert.deepEqual(usage.license, { tier: 'free', status: 'active', expiresAt: null })
  assert.equal(usage.quotas.max_messages_per_hour, 10)
  assert.deepEqual(tiers.map((tier) => tier.tier), ['free', 'pro', 'enterprise'])
  assert.ok(prices.some((price) => price.model === defaultModel))
  assert.deepEqual(agents.map((agent) => agent.id), ['executive', 'coding', 'research', 'writing'])
})
