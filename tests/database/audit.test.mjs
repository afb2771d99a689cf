// The auditor itself: every test trusts it, so whatever is changed by one is named by it, and nothing else.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openDatabase } from './support/database.mjs'

let db, user
before(async () => {
  db = await openDatabase()
  const { users } = await db.newOrganization()
  user = users[0]
  await db.send(user, { answer: { prompt: 50, cached: 20, completion: 10 } })
  await db.reserve(user) // a live turn, so that no counter is zero
  await db.send(users[1])
})
after(() => db?.close())

/** What the audit finds after a change that does not stay. */
async function findingsAfter(sql, values = []) {
  const client = await db.pool.connect()
  try {
    await client.query('begin')
    const { rowCount } = await client.query(sql, values)
    assert.ok(rowCount > 0, `${sql} changes something`)
    return (await client.query('select * from public.audit_usage() order by kind, key, counter')).rows
  } finally {
    await client.query('rollback')
    client.release()
  }
}

const brief = (findings) => findings.map(({ kind, counter, expected, actual }) => [kind, counter, actual - expected])

/** The columns that count, of whatever there is now: a new one that nobody audits fails here. */
const counters = async (table) => (await db.rows(
  `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped
     and atttypid in ('int'::regtype, 'bigint'::regtype) and attgenerated = '' order by 1`, [`public.${table}`])).map(({ name }) => name)

test('sound books are found sound', () => db.assertSound())

test("a member's day, the pools, a conversation and a licence: each counter is seen", async () => {
  const names = await counters('chat_usage_tracking')
  assert.equal(names.length, 8)
  for (const name of names) {
    const findings = await findingsAfter(
      `update public.chat_usage_tracking set ${name} = ${name} + 1 where org_id = $1 and user_id = $2`, [user.orgId, user.id])
    assert.deepEqual(brief(findings), [['member day', name, 1]])
    assert.deepEqual([findings[0].org_id, findings[0].user_id], [user.orgId, user.id])
  }
  for (const period of ['day', 'month']) {
    for (const name of await counters('organization_usage')) {
      const findings = await findingsAfter(
        `update public.organization_usage set ${name} = ${name} + 1 where org_id = $1 and period = $2`, [user.orgId, period])
      assert.deepEqual(brief(findings), [[`organization ${period}`, name, 1]])
    }
  }
  for (const [table, kind, name] of [['conversations', 'conversation', 'message_count'], ['user_licenses', 'licence', 'conversation_count']]) {
    const one = `(org_id, user_id) = ($1, $2) and ${name} > 0`
    const findings = await findingsAfter(`update public.${table} set ${name} = ${name} + 1 where ${one} and created_at = (
      select max(created_at) from public.${table} where ${one})`, [user.orgId, user.id])
    assert.deepEqual(brief(findings), [[kind, name, 1]])
  }
})

test('a turn that is changed, and rows that are gone', async () => {
  const everywhere = (counter, difference) => ['member day', 'organization day', 'organization month'].map((kind) => [kind, counter, difference])
  const turn = (change, state) => findingsAfter(`update public.chat_turns set ${change} where org_id = $1 and user_id = $2 and state = $3`,
    [user.orgId, user.id, state])
  assert.deepEqual(brief(await turn('cost_micro_usd = cost_micro_usd + 1', 'settled')), everywhere('cost_micro_usd', -1))
  assert.deepEqual(brief(await turn('hold_micro_usd = hold_micro_usd + 1', 'held')), everywhere('cost_held_micro_usd', -1))
  for (const name of ['prompt_tokens', 'cached_tokens', 'completion_tokens']) {
    assert.deepEqual(brief(await turn(`${name} = ${name} + 1`, 'settled')), [['member day', name, -1]])
  }
  const released = await turn(`state = 'released'`, 'held')
  assert.deepEqual(new Set(released.map(({ counter }) => counter)), new Set(['cost_held_micro_usd', 'messages_held', 'messages_sent', 'message_count']))
  for (const table of ['chat_usage_tracking', 'organization_usage', 'chat_turns']) {
    const findings = await findingsAfter(`delete from public.${table} where org_id = $1`, [user.orgId])
    assert.ok(findings.length >= 8 && findings.every((finding) => finding.org_id === user.orgId), table)
  }
  assert.deepEqual(brief(await findingsAfter(`delete from public.chat_messages where org_id = $1 and user_id = $2 and role = 'assistant'`,
    [user.orgId, user.id])), [['conversation', 'message_count', 1]])
})
