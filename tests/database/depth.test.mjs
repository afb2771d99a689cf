// A page costs the same anywhere in a conversation, also when many conversations grew at once and no two neighbours of one
// lie on the same block. So does what was learnt from turns, however many there were.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { openDatabase } from './support/database.mjs'

const DEPTH = 90_000
const TURNS = 20_000
/** Around the pages that are read, so many other conversations grow between two messages: each is alone on its block. */
const CROWD = 24

let db, user, conversationId
before(async () => {
  db = await openDatabase()
  user = await db.newUser('enterprise')
  conversationId = (await db.rpc(user, 'create_conversation', { p_id: randomUUID() })).id
  const others = []
  for (let i = 0; i < CROWD; i++) {
    const other = i < 2 ? user : await db.newUser('pro') // some are the same user's
    others.push([other.id, (await db.rpc(other, 'create_conversation', { p_id: randomUUID() })).id])
  }
  const client = await db.pool.connect()
  await client.query('begin')
  await client.query('set local session_replication_role = replica') // a set that needs no check of its foreign keys
  await client.query(`insert into public.chat_messages
      (org_id, id, conversation_id, user_id, turn_id, seq, role, content, status, created_at, superseded_at)
    select c.user_id, gen_random_uuid(), c.id, c.user_id, gen_random_uuid(), n, (array['assistant', 'user'])[n % 2 + 1],
      repeat('words ', 50), 'complete', now(), case when n % 40 = 0 then now() end
    from generate_series(1, $3::int) n
    join lateral (select $1::uuid as user_id, $2::uuid as id, 0 as place
      union all select user_id, id, place::int from unnest($4::uuid[], $5::uuid[]) with ordinality as o (user_id, id, place)
    ) c on place <= case when n < 200 or n > $3::int - 200 then $6::int else 1 end
    order by n, place`,
  [user.id, conversationId, DEPTH + 50, others.map(([id]) => id), others.map(([, id]) => id), CROWD])
  await client.query(`insert into public.chat_turns
      (org_id, id, user_id, conversation_id, fingerprint, agent, model, price_version, trigger, state, answer_id, answer_seq,
       prompt_seq, files, streaming, max_output_tokens, input_bytes, hold_micro_usd, cost_micro_usd, prompt_tokens,
       cached_tokens, completion_tokens, usage_date, created_at)
    select c.user_id, gen_random_uuid(), c.user_id, $2, md5(n::text), 'executive', 'gpt-4o-mini', 1, 'submit-message',
      'settled', gen_random_uuid(), 2, 1, 0, true, 400, 100, 1000, 70, 25, 0, 10, current_date,
      now() - interval '1 day' + n * interval '1 second'
    from generate_series(1, $3::int) n
    join (select $1::uuid as user_id union all select unnest($4::uuid[])) c on c.user_id = $1 or n > $3::int - 200
    order by n`,
  [user.id, conversationId, TURNS, others.map(([id]) => id).filter((id) => id !== user.id)])
  await client.query('commit')
  client.release()
  await db.rows('vacuum (analyze) public.chat_messages, public.chat_turns')
})
after(() => db?.close())

/** Buffers that a statement touches in a session that has run it before, so that plans and catalogs are at hand. */
async function buffersOf(sql, values) {
  return db.as('authenticated', { sub: user.id }, async (query) => {
    for (let i = 0; i < 2; i++) await query(sql, values)
    const [{ 'QUERY PLAN': [{ Plan: plan }] }] = await query(`explain (analyze, buffers, format json) ${sql}`, values)
    return plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
  })
}

test('a page of 50 reads at most 60 buffers of the messages, as many at depth as at the end', async () => {
  // The function's own reading of messages. What else it reads (the conversation, the membership) is a handful, below.
  const page = `select m from public.chat_messages m
    where m.org_id = $1 and m.conversation_id = $2 and m.user_id = $1 and m.superseded_at is null and m.seq < $3
    order by m.seq desc limit 51`
  const read = (before) => db.as('service_role', {}, async (query) => {
    await query(page, [user.id, conversationId, before])
    const [{ 'QUERY PLAN': [{ Plan: plan }] }] = await query(`explain (analyze, buffers, format json) ${page}`,
      [user.id, conversationId, before])
    assert.equal(plan['Actual Rows'], 51)
    return plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
  })
  const [latest, deep] = [await read(DEPTH + 51), await read(60)]
  assert.ok(latest >= 50, `the data is interleaved: ${latest} buffers`)
  assert.ok(latest <= 60 && deep <= 60, `${latest} and ${deep} buffers`)
  assert.ok(Math.abs(latest - deep) <= 2, `${latest} and ${deep} buffers`)
})

test('the whole call costs the same at both ends, and so does the context of the next message', async () => {
  const page = 'select public.get_messages_paginated($1, $2, 50)'
  const [latest, deep] = [await buffersOf(page, [conversationId, DEPTH + 51]), await buffersOf(page, [conversationId, 60])]
  assert.ok(Math.abs(latest - deep) <= 2, `${latest} and ${deep} buffers`)
  assert.ok(latest <= 80, `${latest} buffers`)
  const { messages, hasMore } = await db.rpc(user, 'get_messages_paginated', { p_conversation_id: conversationId, p_before: 60 })
  assert.deepEqual([messages.length, hasMore, messages[0].seq], [50, true, 59])

  const context = (before) => db.as('postgres', {}, async (query) => {
    const sql = 'select private.context_window($1, $2, $1, $3, 1800)'
    for (let i = 0; i < 2; i++) await query(sql, [user.id, conversationId, before])
    const [{ 'QUERY PLAN': [{ Plan: plan }] }] = await query(`explain (analyze, buffers, format json) ${sql}`, [user.id, conversationId, before])
    return plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
  })
  const [newest, oldest] = [await context(DEPTH + 51), await context(150)]
  assert.ok(newest <= 20 && Math.abs(newest - oldest) <= 2, `${newest} and ${oldest} buffers`)
})

test('the list of conversations and the usage cost the same however long a conversation is', async () => {
  for (const sql of ['select public.list_conversations()', 'select public.quota_status()']) {
    const buffers = await buffersOf(sql, [])
    assert.ok(buffers <= 60, `${sql}: ${buffers} buffers`)
  }
})

test('what a message takes is learnt from a bounded read, also when no turn of many has figures', async () => {
  const calibration = () => db.as('postgres', {}, async (query) => {
    const sql = 'select private.calibration($1, $1) as result'
    for (let i = 0; i < 2; i++) await query(sql, [user.id])
    const [{ 'QUERY PLAN': [{ Plan: plan }] }] = await query(`explain (analyze, buffers, format json) ${sql}`, [user.id])
    return { ...(await query(sql, [user.id]))[0].result, buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'] }
  })
  const { buffers, ...sums } = await calibration()
  assert.deepEqual(sums, { inputBytes: 2000, inputTokens: 500, turns: 20, outputTokens: 200 })
  assert.ok(buffers >= 20 && buffers <= 30, `${buffers} buffers`)
  await db.rows('update public.chat_turns set is_estimated = true where user_id = $1', [user.id])
  await db.rows('vacuum (analyze) public.chat_turns')
  const without = await calibration()
  assert.equal(without.turns, 0)
  assert.ok(without.buffers <= 60, `${without.buffers} buffers`)
})
