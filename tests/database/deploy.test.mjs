// `supabase db push` applies the migrations to a database as Supabase gives it, and its advisors have nothing to warn of.
// So it does to an app's that has a chat already, once that has made room.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import pg from 'pg'
import { startPostgres } from '../../tools/postgres.mjs'
import { migrations, SUPABASE_SQL } from './support/database.mjs'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** The SQL of docs/adopting.md, in order. */
const [MOVE, IMPORT] = [...readFileSync(join(ROOT, 'docs/adopting.md'), 'utf8').matchAll(/^```sql\n(.*?)^```$/gms)].map(([, sql]) => sql)

let server, folder
before(async () => {
  server = await startPostgres({ databases: ['chat', 'app'] })
})
beforeEach(() => {
  // A copy, since the CLI keeps notes beside the migrations and in the home folder.
  folder = mkdtempSync(join(tmpdir(), 'production-chat-supabase-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
after(() => server?.stop())

/** What README.md says to copy, and the settings beside it. */
function copy(...names) {
  for (const name of names) cpSync(join(ROOT, 'supabase', name), join(folder, 'supabase', name), { recursive: true })
}

function run(database, ...words) {
  const url = `${server.connectionStringOf(database)}?sslmode=disable`
  const { status, error, stdout, stderr } = spawnSync(join(ROOT, 'node_modules/.bin/supabase'), [...words, `--db-url=${url}`], {
    cwd: folder, encoding: 'utf8', env: { PATH: process.env.PATH, HOME: folder, DO_NOT_TRACK: '1', CI: '1' },
  })
  return { status, said: `supabase ${words.join(' ')}: ${error?.message ?? ''}${stdout}${stderr}` }
}

function supabase(database, ...words) {
  const { status, said } = run(database, ...words)
  assert.equal(status, 0, said)
}

async function connected(database, act) {
  const client = new pg.Client(server.connectionStringOf(database))
  await client.connect()
  try {
    await act(client)
  } finally {
    await client.end()
  }
}

test('supabase db push, and nothing to advise against', () =>
  connected('chat', async (client) => {
    copy('config.toml', 'migrations')
    await client.query(SUPABASE_SQL)
    supabase('chat', 'db', 'push', '--yes')
    const { rows } = await client.query('select version from supabase_migrations.schema_migrations order by version')
    assert.deepEqual(rows.map((row) => row.version), migrations().map(({ name }) => name.split('_')[0]))
    supabase('chat', 'db', 'advisors', '--fail-on', 'warn')
  }))

test('an app that has a chat keeps it, word for word: docs/adopting.md', () =>
  connected('app', async (client) => {
    const [user, gone] = [randomUUID(), randomUUID()]
    const [old, orphan, question, answer, more] = Array.from({ length: 5 }, randomUUID)
    await client.query(SUPABASE_SQL)
    await client.query('insert into auth.users (id, email) values ($1, $2)', [user, 'someone@example.com'])
    copy('config.toml')
    mkdirSync(join(folder, 'supabase/migrations'))
    const own = (version, sql) => writeFileSync(join(folder, `supabase/migrations/${version}_own.sql`), sql)
    own('20250601000000', `
      create schema private;
      create table public.conversations (
        id uuid primary key, user_id uuid, title text, created_at timestamptz default now(), updated_at timestamptz default now()
      );
      create table public.chat_messages (
        id uuid primary key, conversation_id uuid references public.conversations, role text, content text, created_at timestamptz
      );
      create function public.get_messages_paginated(uuid) returns setof public.chat_messages language sql as 'select * from chat_messages';
      create index idx_chat_messages_created_at on public.chat_messages (created_at);
      insert into public.conversations (id, user_id, title) values ('${old}', '${user}', 'Old times'), ('${orphan}', '${gone}', null);
      insert into public.chat_messages values
        ('${question}', '${old}', 'user', 'Who was here?', '2025-03-01'), ('${answer}', '${old}', 'assistant', 'You were.', '2025-03-02'),
        ('${more}', '${old}', 'user', 'Since when?', '2025-03-03'), ('${randomUUID()}', '${orphan}', 'user', 'Gone', '2025-03-01');`)
    supabase('app', 'db', 'push', '--yes')

    copy('migrations')
    const refused = run('app', 'db', 'push', '--yes', '--include-all')
    assert.notEqual(refused.status, 0)
    assert.match(refused.said, /"public" has what production-chat makes: chat_messages, conversations, get_messages_paginated/)
    assert.match(refused.said, /docs\/adopting\.md/)

    await client.query(`${MOVE}; drop function public.get_messages_paginated(uuid)`)
    assert.match(run('app', 'db', 'push', '--yes').said, /--include-all/)
    supabase('app', 'db', 'push', '--yes', '--include-all')
    for (let time = 0; time < 2; time++) await client.query(IMPORT)

    assert.deepEqual((await client.query('select * from audit_usage()')).rows, [])
    const { rows } = await client.query(
      `select m.id, m.turn_id, m.seq::integer, c.title, c.message_count, l.conversation_count
       from chat_messages m join conversations c on c.id = m.conversation_id join user_licenses l on l.user_id = m.user_id order by seq`)
    const rest = { title: 'Old times', message_count: 3, conversation_count: 1 }
    assert.deepEqual(rows, [
      { id: question, turn_id: question, seq: 1, ...rest },
      { id: answer, turn_id: question, seq: 2, ...rest },
      { id: more, turn_id: more, seq: 3, ...rest },
    ])
    await client.query(`begin; set local role authenticated;
      select set_config('request.jwt.claims', '{"sub": "${user}", "role": "authenticated"}', true)`)
    const page = await client.query('select get_messages_paginated($1) as page', [old])
    assert.deepEqual(page.rows[0].page.messages.map(({ content }) => content).sort(), ['Since when?', 'Who was here?', 'You were.'])
    await client.query('rollback')
  }))
