// A worker of its own process: sends one message after the other until somebody kills it. Each line it prints is a turn
// whose end the database has confirmed: `<turn id> <cost in micro-USD>`.
//
// node worker.mjs <connection string> <user id>

import { randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import pg from 'pg'

const [connectionString, userId] = process.argv.slice(2)
const client = new pg.Client(connectionString)
client.on('error', () => process.exit(1))
await client.connect()
const call = async (sql, values) => (await client.query(`select public.${sql} as reply`, values)).rows[0].reply

try {
  for (let n = 1; ; n++) {
    const key = [userId, randomUUID(), userId]
    const reserved = await call(
      `reserve_turn($1, $2, $3, $4, true, 'executive', 'submit-message', 'Hello', 0, null, $5, 0, 'f')`,
      [...key, randomUUID(), randomUUID()])
    if (reserved.outcome !== 'held') throw new Error(`not reserved: ${JSON.stringify(reserved.verdict ?? reserved)}`)
    const dispatched = await call('dispatch_turn($1, $2, $3)', key)
    if (!dispatched.won) throw new Error(`not dispatched: ${dispatched.outcome}`)
    await call(`flush_turn($1, $2, $3, 'Half')`, key)
    const { turn } = await call(`settle_turn($1, $2, $3, 'Whole', 'complete', $4, 0, 10)`, [...key, n])
    writeSync(1, `${key[1]} ${turn.costMicroUsd}\n`) // at once: what is killed flushes nothing
  }
} catch (error) {
  if (!/terminat|crash|recovery|Connection/i.test(error.message)) console.error(error)
  process.exit(1)
}
