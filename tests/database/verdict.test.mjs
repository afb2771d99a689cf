// The same law: the crate's verdicts on thousands of random states are the database's, field by field.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import { openDatabase } from './support/database.mjs'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const CASES = 2000

let db
before(async () => { db = await openDatabase() })
after(() => db?.close())

test(`${CASES} random states: one verdict`, async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
  const output = execFileSync('cargo', ['run', '--quiet', '--example', 'verdicts', '--', String(seed), String(CASES)],
    { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = output.trim().split('\n')
  assert.equal(lines.length, CASES)
  const verdicts = await db.rows(`select private.evaluate_quota(c -> 'usage', c -> 'request', c -> 'tiers', (c ->> 'now')::bigint,
      c ->> 'basis') as verdict
    from jsonb_array_elements($1::jsonb) with ordinality e (c, n) order by n`, [`[${lines.join(',')}]`])
  const reasons = new Set()
  lines.forEach((line, index) => {
    const { verdict, ...state } = JSON.parse(line)
    assert.deepEqual(verdicts[index].verdict, verdict, `SEED=${seed}, case ${index}: ${JSON.stringify(state)}`)
    for (const { limit } of verdict.violations) reasons.add(limit)
  })
  assert.equal(reasons.size, 10, `every limit binds in some case: ${[...reasons]}`)
})
