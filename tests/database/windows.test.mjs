// Days and months follow the organization's time zone, and a turn counts in the day in which it was reserved.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openDatabase } from './support/database.mjs'

let db
before(async () => { db = await openDatabase() })
after(() => db?.close())

/** The calendar of an organization at an instant, as ISO texts. */
async function calendar(at, organization) {
  const row = await db.row(
    `select c.day::text, to_char(c.day_ends_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI') as day_ends, c.month::text,
       to_char(c.month_ends_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI') as month_ends
     from private.organization_calendar(jsonb_populate_record(null::public.organizations, $2), $1) c`, [at, organization])
  return [row.day, row.day_ends, row.month, row.month_ends]
}

test('a day is a calendar date where the organization is, daylight saving included', async () => {
  assert.deepEqual(await calendar('2025-06-30T22:30Z', { time_zone: 'Europe/Berlin' }),
    ['2025-07-01', '2025-07-01T22:00', '2025-07-01', '2025-07-31T22:00'])
  assert.deepEqual(await calendar('2025-06-30T22:30Z', { time_zone: 'America/Los_Angeles' }),
    ['2025-06-30', '2025-07-01T07:00', '2025-06-01', '2025-07-01T07:00'])
  assert.deepEqual(await calendar('2025-03-30T12:00Z', { time_zone: 'Europe/Berlin' }), // 23 hours long
    ['2025-03-30', '2025-03-30T22:00', '2025-03-01', '2025-03-31T22:00'])
  assert.deepEqual(await calendar('2025-10-26T12:00Z', { time_zone: 'Europe/Berlin' }), // 25 hours long
    ['2025-10-26', '2025-10-26T23:00', '2025-10-01', '2025-10-31T23:00'])
  assert.deepEqual(await calendar('2025-12-31T23:59:59.999Z', { time_zone: 'UTC' }),
    ['2025-12-31', '2026-01-01T00:00', '2025-12-01', '2026-01-01T00:00'])
})

test('a midnight that does not exist, or comes twice: the day ends when the date changes', async () => {
  for (const [zone, at, ends] of [
    ['America/Havana', '2026-03-07T12:00Z', '2026-03-08T05:00'], // from midnight to one
    ['Atlantic/Azores', '2025-10-25T12:00Z', '2025-10-26T00:00'], // from one back to midnight
    ['America/Havana', '2026-10-31T12:00Z', '2026-11-01T04:00'],
  ]) {
    const [day, dayEnds] = await calendar(at, { time_zone: zone })
    assert.equal(dayEnds, ends, zone)
    const [nextDay] = await calendar(`${ends}Z`, { time_zone: zone })
    const [before] = await calendar(new Date(Date.parse(`${ends}Z`) - 1).toISOString(), { time_zone: zone })
    assert.ok(before === day && nextDay > day, `${zone}: ${before} and ${nextDay}`)
  }
  assert.equal((await calendar('2026-10-31T12:00Z', { time_zone: 'America/Havana' }))[3], '2026-11-01T04:00')
})

test('a changed zone counts after the running day, and no date comes twice', async () => {
  const moved = { // from Kiritimati (UTC+14) to Niue (UTC-11) during 2025-06-10 there
    time_zone: 'Pacific/Niue', previous_time_zone: 'Pacific/Kiritimati', time_zone_counts_from: '2025-06-10T10:00Z',
    earliest_day: '2025-06-10',
  }
  assert.deepEqual((await calendar('2025-06-10T09:59Z', moved)).slice(0, 2), ['2025-06-10', '2025-06-10T10:00'])
  // In Niue it is still the 9th: the full day of the 10th goes on rather than coming back empty.
  assert.deepEqual((await calendar('2025-06-10T10:00Z', moved)).slice(0, 2), ['2025-06-10', '2025-06-11T11:00'])
  assert.deepEqual((await calendar('2025-06-11T11:00Z', moved)).slice(0, 2), ['2025-06-11', '2025-06-12T11:00'])
})

test('moving does not end the day: what is spent stays spent', async () => {
  const { orgId, users: [user] } = await db.newOrganization({ timeZone: 'UTC' })
  const before = (await db.send(user)).settled.usage
  for (const zone of ['Pacific/Kiritimati', 'Pacific/Niue', 'Asia/Tokyo', 'UTC', 'Pacific/Kiritimati']) {
    await db.rows('update public.organizations set time_zone = $2 where id = $1', [orgId, zone])
    const { usage } = await db.rpc(user, 'quota_status', { p_org_id: orgId })
    assert.equal(usage.organization.timeZone, zone)
    assert.deepEqual([usage.messagesToday.used, usage.dayResetsAt], [1, before.dayResetsAt])
  }
  await assert.rejects(db.rows(`update public.organizations set time_zone = 'Nowhere/At_All' where id = $1`, [orgId]), { code: 'PT400' })
  await db.assertSound()
})

test('a turn reserved before midnight settles in its own day', async () => {
  const user = await db.newUser()
  const { id } = await db.reserve(user)
  await db.turn('dispatch_turn', user, id)
  await db.moveToYesterday(user)
  const settled = await db.settle(user, id)
  assert.deepEqual([settled.usage.messagesToday, settled.usage.costTodayMicroUsd], [{ used: 0, held: 0 }, { used: 0, held: 0 }])
  assert.equal((await db.row(`select cost_micro_usd from public.chat_usage_tracking where user_id = $1 and date < current_date`,
    [user.id])).cost_micro_usd, 120)
  await db.assertSound()
})

test('a new day starts empty while the hour goes on', async () => {
  const user = await db.newUser()
  await db.send(user)
  await db.moveToYesterday(user)
  const { usage } = await db.rpc(user, 'quota_status')
  assert.deepEqual([usage.messagesToday.used, usage.messagesThisHour.used], [0, 1])
})

test('retention deletes whole days of what is old, counters and turns together, and never the running months', async () => {
  const user = await db.newUser()
  const { orgId, users: [live] } = await db.newOrganization()
  const old = await db.send(user)
  await db.reserve(live)
  for (const [org, id] of [[user.id, user.id], [orgId, live.id]]) {
    await db.rows('update public.chat_turns set usage_date = usage_date - 200 where user_id = $1', [id])
    await db.rows('update public.chat_usage_tracking set date = date - 200 where user_id = $1', [id])
    await db.rows(`update public.organization_usage set starts_on = date_trunc(period, current_date - 200)::date where org_id = $1`, [org])
  }
  await db.send(user) // today
  assert.deepEqual(await db.service('cleanup_old_usage_data'), { days: 0, turns: 0, violations: 0, conversations: 0 })

  await db.rows('update public.chat_settings set usage_retention_days = 90, deleted_conversation_retention_days = 0')
  await db.rpc(user, 'delete_conversation', { p_id: old.conversationId })
  assert.deepEqual(await db.service('cleanup_old_usage_data'), { days: 1, turns: 1, violations: 0, conversations: 1 })
  await db.assertSound()
  assert.equal((await db.row('select count(*) as n from public.chat_turns where user_id = $1', [user.id])).n, 1) // today's
  assert.equal((await db.row('select count(*) as n from public.chat_turns where user_id = $1', [live.id])).n, 1) // has not ended
  // What refusals left of a pool without a message goes as well, so many at a time.
  await db.rows(`insert into public.organization_usage (org_id, period, starts_on)
    select $1, 'day', current_date - 200 - n from generate_series(1, 10) n`, [user.id])
  await db.service('cleanup_old_usage_data', { p_limit: 3 })
  assert.equal((await db.row(`select count(*) as n from public.organization_usage where org_id = $1 and messages_sent = 0`, [user.id])).n, 4)
  assert.deepEqual(await db.service('cleanup_old_usage_data'), { days: 0, turns: 0, violations: 0, conversations: 0 })
  await assert.rejects(db.rows('update public.chat_settings set usage_retention_days = 30'), /check constraint/)
})
