// Every statement of docs/operations.md runs, and what it should find it finds.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { openDatabase } from './support/database.mjs'

const PAGE = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
const STATEMENTS = [...PAGE.matchAll(/^```sql\n(.*?)^```$/gms)].map(([, sql]) => sql)

let db, user, organization
before(async () => {
  db = await openDatabase({ settings: ['shared_preload_libraries=pg_stat_statements'] })
  user = await db.newUser('free')
  organization = randomUUID()
})
after(() => db?.close())

/** The statement with these words in it, on the test's own user and organization. */
function statement(words) {
  const found = STATEMENTS.filter((sql) => sql.includes(words))
  assert.equal(found.length, 1, words)
  return found[0].replaceAll('<user>', user.id).replaceAll('<organization>', organization)
}

test('what arranges things', async () => {
  await db.rows(statement('update license_tiers set max_messages_per_day'))
  await db.rows(statement('insert into organizations'))
  await db.rows(statement('insert into model_prices'))
  await db.rows(statement('context_token_budget = 16000'))
  await db.rows(statement('insert into billing_prices'))
  const team = await db.rows('select role, tier from organization_members join user_licenses using (org_id, user_id) where org_id = $1', [organization])
  assert.deepEqual(team, [{ role: 'owner', tier: 'pro' }])
  assert.deepEqual(await db.rows(`select max(version) as newest from model_prices where model = 'gpt-4o-mini'`), [{ newest: 2 }])
})

test('what watches finds what it should', async () => {
  const turn = await db.send(user)
  const find = (words) => db.rows(statement(words))
  assert.deepEqual((await find('as requests')).map((row) => [row.user_id, row.messages, row.requests]), [[user.id, 1, 1]])

  const [month] = await find('as usd_projected')
  assert.ok(Number(month.usd_so_far) > 0 && Number(month.usd_projected) >= Number(Number(month.usd_so_far).toFixed(2)))

  assert.deepEqual(await find('as budget_usd'), [])
  await db.rows(statement('monthly_budget_micro_usd = 15000000'))
  await db.rows('update organizations set monthly_budget_micro_usd = (select cost_micro_usd from chat_turns where id = $2) where id = $1', [user.id, turn.id])
  assert.deepEqual((await find('as budget_usd')).map(({ id }) => id), [user.id])
  await db.rows('update organizations set monthly_budget_micro_usd = null where id = $1', [user.id])

  assert.deepEqual(await find('as limited'), [{ active: 1, limited: 0, percent: '0.0' }])
  await db.rows('update license_tiers set max_messages_per_day = 1')
  assert.equal((await db.reserve(user)).outcome, 'denied')
  assert.deepEqual(await find('as limited'), [{ active: 1, limited: 1, percent: '100.0' }])
  assert.deepEqual(await find('0.9 * t.max_messages_per_day'), [{ user_id: user.id, messages_sent: 1 }])

  const [failures] = await find('as died')
  assert.deepEqual(failures, { released: 0, died: 0, broke_off: 0, turns: 1, percent: '0.0' })
  await db.rows('update chat_turns set is_partial = true where id = $1', [turn.id])
  assert.deepEqual(await find('as died'), [{ released: 0, died: 0, broke_off: 1, turns: 1, percent: '100.0' }])
  await db.rows('update chat_turns set is_partial = false where id = $1', [turn.id])

  assert.deepEqual((await find('as were_free')).map(({ upgraded }) => upgraded), [0])
  await db.rows(statement("interval '1 year'"))
  assert.deepEqual(await find('as were_free'), [{ upgraded: 1, were_free: 1, percent: '100.0' }])
  // Long ago is no conversion, and who is not free any more is not among those who were.
  await db.rows(`update license_changes set changed_at = changed_at - interval '1 year' where user_id = $1`, [user.id])
  assert.deepEqual(await find('as were_free'), [{ upgraded: 0, were_free: 0, percent: null }])
  await db.assertSound()
})

test('what is slow is found, by its name', async () => {
  await db.rows('create extension pg_stat_statements')
  // As PostgREST calls a function.
  await db.as('authenticated', { sub: user.id }, (query) => query(`with pgrst_source as (
      select pgrst_call.pgrst_scalar from (select 1) pgrst_payload, lateral (select "public"."quota_status"() pgrst_scalar) pgrst_call
    ) select * from pgrst_source`))
  const slow = await db.rows(statement('pg_stat_statements'))
  assert.deepEqual(slow.map((row) => [row.function, row.calls]), [['quota_status', 1]])
})

test('nothing on the page is left out here', () => assert.equal(STATEMENTS.length, 15))
