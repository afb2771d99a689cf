// `supabase db push` applies the migrations to a database as Supabase gives it, and its advisors have nothing to warn of.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { startPostgres } from '../../tools/postgres.mjs'
import { migrations, SUPABASE_SQL } from './support/database.mjs'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

let server, folder
before(async () => {
  server = await startPostgres({ databases: ['chat'] })
  // A copy, since the CLI keeps notes beside the migrations and in the home folder.
  folder = mkdtempSync(join(tmpdir(), 'production-chat-supabase-'))
  for (const name of ['config.toml', 'migrations']) {
    cpSync(join(ROOT, 'supabase', name), join(folder, 'supabase', name), { recursive: true })
  }
})
after(async () => {
  await server?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

function supabase(...words) {
  const url = `${server.connectionStringOf('chat')}?sslmode=disable`
  const run = spawnSync(join(ROOT, 'node_modules/.bin/supabase'), [...words, `--db-url=${url}`], {
    cwd: folder, encoding: 'utf8', env: { PATH: process.env.PATH, HOME: folder, DO_NOT_TRACK: '1', CI: '1' },
  })
  assert.equal(run.status, 0, `supabase ${words.join(' ')}: ${run.error?.message ?? ''}${run.stdout}${run.stderr}`)
}

test('supabase db push, and nothing to advise against', async () => {
  const client = new pg.Client(server.connectionStringOf('chat'))
  await client.connect()
  try {
    await client.query(SUPABASE_SQL)
    supabase('db', 'push', '--yes')
    const { rows } = await client.query('select version from supabase_migrations.schema_migrations order by version')
    assert.deepEqual(rows.map((row) => row.version), migrations().map(({ name }) => name.split('_')[0]))
    supabase('db', 'advisors', '--fail-on', 'warn')
  } finally {
    await client.end()
  }
})
