// One PostgreSQL cluster per test file, one migrated database in it, and hands to work with it as the people it serves.

import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import assert from 'node:assert/strict'
import pg from 'pg'
import { startPostgres } from '../../../tools/postgres.mjs'

export const MIGRATIONS = fileURLToPath(new URL('../../../supabase/migrations/', import.meta.url))
export const SUPABASE_SQL = readFileSync(new URL('supabase.sql', import.meta.url), 'utf8')

// Counters and money are bigint; all figures here are far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)

/** The migrations in order. */
export function migrations() {
  return readdirSync(MIGRATIONS).filter((name) => name.endsWith('.sql')).sort()
    .map((name) => ({ name, sql: readFileSync(join(MIGRATIONS, name), 'utf8') }))
}

/** Applies the migrations, each in a transaction of its own as the Supabase CLI does. `query` takes SQL text. */
export async function migrate(query) {
  for (const { name, sql } of migrations()) {
    try {
      await query(`begin;\n${sql}\ncommit;`)
    } catch (error) {
      throw new Error(`${name}: ${error.message}${error.position ? ` at ${sqlAround(sql, error.position - 7)}` : ''}`, { cause: error })
    }
  }
}

function sqlAround(sql, position) {
  return `line ${sql.slice(0, position).split('\n').length}: ${sql.slice(position, position + 80)}`
}

/** A migrated database on a cluster of its own. `close()` ends both. `settings`: more of the server's, as `name=value`. */
export async function openDatabase({ version = 'embedded', settings = [] } = {}) {
  const server = await startPostgres({ version, databases: ['chat'], settings })
  const pool = newPool(server)
  try {
    await pool.query(SUPABASE_SQL)
    await migrate((sql) => pool.query(sql))
  } catch (error) {
    await pool.end()
    await server.stop()
    throw error
  }
  return new Database(server, pool)
}

function newPool(server) {
  const pool = new pg.Pool({ connectionString: server.connectionStringOf('chat'), max: 70 })
  // An idle connection that the server ended is dropped; a query that was cut off tells its caller itself.
  pool.on('error', () => {})
  return pool
}

export class Database {
  constructor(server, pool) {
    this.server = server
    this.pool = pool
  }

  async close() {
    await this.pool.end()
    await this.server.stop()
  }

  /** New connections, after some were ended by force: one that is dead and does not know it yet serves nobody. */
  async reconnect() {
    const old = this.pool
    this.pool = newPool(this.server)
    await old.end()
  }

  /** As the owner of the database: to arrange a test and to look behind the curtain. */
  async rows(sql, parameters = []) {
    return (await this.pool.query(sql, parameters)).rows
  }

  async row(sql, parameters = []) {
    return (await this.rows(sql, parameters))[0]
  }

  /** Runs `work(query)` in a transaction as a role with JWT claims, the way PostgREST does. */
  async as(role, claims, work, isolation = 'read committed') {
    const client = await this.pool.connect()
    try {
      await client.query(`begin isolation level ${isolation}`)
      await client.query(`select set_config('request.jwt.claims', $1, true)`, [JSON.stringify({ role, ...claims })])
      await client.query(`set local role ${client.escapeIdentifier(role)}`)
      const result = await work((sql, parameters = []) => client.query(sql, parameters).then(({ rows }) => rows))
      await client.query('commit')
      return result
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  }

  /** Calls a function by name with named arguments. */
  async call(role, claims, name, parameters) {
    const names = Object.keys(parameters)
    const list = names.map((key, index) => `${key} => $${index + 1}`).join(', ')
    const values = names.map((key) => parameters[key])
    return this.as(role, claims, async (query) => (await query(`select public.${name}(${list}) as result`, values))[0].result)
  }

  /** As a signed-in user. */
  rpc(user, name, parameters = {}) {
    return this.call('authenticated', { sub: user.id }, name, parameters)
  }

  /** As the edge function. */
  service(name, parameters = {}) {
    return this.call('service_role', {}, name, parameters)
  }

  /** A new user with the personal organization the trigger makes, on the plan asked for. */
  async newUser(tier = 'free') {
    const id = randomUUID()
    await this.pool.query('insert into auth.users (id, email) values ($1, $2)', [id, `${id.slice(0, 8)}@example.org`])
    if (tier !== 'free') await this.pool.query('update public.user_licenses set tier = $2 where user_id = $1', [id, tier])
    return { id, orgId: id }
  }

  /** An organization whose members have seats of a plan. */
  async newOrganization({ members = 2, tier = 'pro', timeZone = 'UTC', messagesPerDay = null, monthlyBudget = null } = {}) {
    const orgId = randomUUID()
    await this.pool.query(
      `insert into public.organizations (id, name, time_zone, max_messages_per_day, monthly_budget_micro_usd)
       values ($1, 'Works', $2, $3, $4)`, [orgId, timeZone, messagesPerDay, monthlyBudget])
    const users = []
    for (let i = 0; i < members; i++) {
      const user = await this.newUser()
      await this.pool.query('insert into public.organization_members (org_id, user_id, role) values ($1, $2, $3)',
        [orgId, user.id, i === 0 ? 'admin' : 'member'])
      await this.pool.query('insert into public.user_licenses (org_id, user_id, tier) values ($1, $2, $3)', [orgId, user.id, tier])
      users.push({ id: user.id, orgId })
    }
    return { orgId, users }
  }

  /** Reserves a turn; what is not given has a sensible value. Returns the reply and the turn's id. */
  async reserve(user, { id = randomUUID(), conversationId = randomUUID(), newConversation = true, agent = 'executive',
    trigger = 'submit-message', content = trigger === 'submit-message' ? 'Hello' : '', files = 0, model = 'gpt-4o-mini',
    answerId = randomUUID(), systemBytes = 100, fingerprint = `${conversationId}:${content}` } = {}) {
    const reply = await this.service('reserve_turn', {
      p_org_id: user.orgId, p_turn_id: id, p_user_id: user.id, p_conversation_id: conversationId,
      p_new_conversation: newConversation, p_agent: agent, p_trigger: trigger, p_content: content, p_files: files,
      p_model: model, p_answer_id: answerId, p_system_bytes: systemBytes, p_fingerprint: fingerprint,
    })
    return { ...reply, id, conversationId, fingerprint }
  }

  /** Any of the other turn functions. */
  turn(name, user, id, parameters = {}) {
    return this.service(name, { p_org_id: user.orgId, p_turn_id: id, p_user_id: user.id, ...parameters })
  }

  settle(user, id, { content = 'Hi', status = 'complete', prompt = 50, cached = 0, completion = 10 } = {}) {
    return this.turn('settle_turn', user, id, {
      p_content: content, p_status: status, p_prompt_tokens: prompt, p_cached_tokens: cached, p_completion_tokens: completion,
    })
  }

  /** A whole turn: reserved, dispatched, settled. */
  async send(user, options = {}) {
    const reserved = await this.reserve(user, options)
    assert.equal(reserved.outcome, 'held', JSON.stringify(reserved.verdict ?? reserved))
    await this.turn('dispatch_turn', user, reserved.id)
    return { ...reserved, settled: await this.settle(user, reserved.id, options.answer) }
  }

  /** Makes the user's turns older, so that windows move without waiting. */
  async age(user, interval) {
    await this.pool.query(
      `update public.chat_turns set created_at = created_at - $2::interval, dispatched_at = dispatched_at - $2::interval,
         heartbeat_at = heartbeat_at - $2::interval
       where user_id = $1`, [user.id, interval])
  }

  /** Moves what the user of a personal organization has spent so far into the day before. */
  async moveToYesterday({ id }) {
    await this.pool.query('update public.chat_turns set usage_date = usage_date - 1 where user_id = $1', [id])
    await this.pool.query('update public.chat_usage_tracking set date = date - 1 where user_id = $1', [id])
    await this.pool.query(`delete from public.organization_usage where org_id = $1`, [id])
    await this.pool.query(
      `insert into public.organization_usage
         (org_id, period, starts_on, messages_sent, messages_held, cost_micro_usd, cost_held_micro_usd)
       select org_id, period, date_trunc(period, date)::date, sum(messages_sent), sum(messages_held), sum(cost_micro_usd),
         sum(cost_held_micro_usd)
       from public.chat_usage_tracking cross join (values ('day'), ('month')) p (period)
       where org_id = $1 group by 1, 2, 3`, [id])
  }

  /** Runs `work` with other figures for a plan: 500 messages take their time. */
  async withTier(tier, figures, work) {
    const before = await this.row('select * from public.license_tiers where tier = $1', [tier])
    await this.pool.query(`update public.license_tiers set ${figures} where tier = $1`, [tier])
    try {
      await work()
    } finally {
      const names = Object.keys(before)
      await this.pool.query(
        `update public.license_tiers set (${names}) = (${names.map((_, i) => `$${i + 1}`)}) where tier = $${names.length + 1}`,
        [...Object.values(before), tier])
    }
  }

  /** The books are sound: every counter is the sum of its turns. */
  async assertSound() {
    assert.deepEqual(await this.rows('select * from public.audit_usage()'), [])
  }
}
