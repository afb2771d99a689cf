/** Amounts, times and refusals in words for people. */
import type { Estimate, LimitName, QuotaAlert, Tier, Verdict, Violation } from '../types.js'

export const TIER_NAMES: Record<Tier, string> = { free: 'Free', pro: 'Pro', enterprise: 'Enterprise' }

/** `$0.0012` below a cent, `$1.25` above; never rounded down to nothing. */
export function usd(microUsd: number): string {
  if (microUsd === 0) return '$0'
  if (microUsd < 100) return 'under $0.0001'
  const dollars = microUsd / 1_000_000
  if (microUsd >= 10_000 && microUsd % 10_000 === 0) return `$${dollars.toFixed(2)}`
  return `$${dollars.toFixed(microUsd < 1_000_000 ? 4 : 2)}`
}

/** What a message may cost: `about $0.0021, at most $0.0102`; while nothing was learnt, `$0.0001 to $0.0102`. */
export function estimatedUsd({ minMicroUsd, maxMicroUsd, expectedMicroUsd }: Estimate): string {
  const min = usd(minMicroUsd)
  const max = usd(maxMicroUsd)
  if (min === max) return max
  if (expectedMicroUsd !== null) {
    return `${expectedMicroUsd < 100 ? '' : 'about '}${usd(expectedMicroUsd)}, at most ${max}`
  }
  return minMicroUsd < 100 ? `up to ${max}` : `${min} to ${max}`
}

/** How long until then: `40 seconds`, `24 minutes`, `5 hours`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000))
  if (seconds < 60) return count(seconds, 'second')
  const minutes = Math.ceil(seconds / 60)
  if (minutes < 60) return count(minutes, 'minute')
  const hours = Math.round(minutes / 60)
  return hours < 48 ? count(hours, 'hour') : count(Math.round(hours / 24), 'day')
}

/** A clock running down: `24:07`, `1:02:03`. */
export function countdown(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000))
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const shown = parts[0] === 0 ? parts.slice(1) : parts
  return shown.map((part, place) => (place === 0 ? String(part) : String(part).padStart(2, '0'))).join(':')
}

/** The time of day, with the date when it is a day away or more. */
export function clockTime(at: number, now: number): string {
  const isNear = Math.abs(at - now) < 24 * 3_600_000
  return new Intl.DateTimeFormat(undefined, {
    hour: 'numeric',
    minute: '2-digit',
    ...(isNear ? {} : { weekday: 'short', day: 'numeric', month: 'short' }),
  }).format(at)
}

export function count(amount: number, noun: string): string {
  return `${amount.toLocaleString()} ${noun}${amount === 1 ? '' : 's'}`
}

/** Why a message may not be sent; null when it may. */
export function refusal(verdict: Verdict): string | null {
  const violation = verdict.violations.find(({ limit }) => limit === verdict.reason)
  return violation === undefined ? null : REFUSALS[violation.limit](violation)
}

const REFUSALS: Record<LimitName, (violation: Violation) => string> = {
  license_inactive: () => 'Your licence is not active. Renew it to write again.',
  agent_not_allowed: () => 'Your plan does not include this agent. Choose another one.',
  file_uploads_not_allowed: () => 'Your plan does not include attachments. Send the message without them.',
  conversations: ({ max }) =>
    `You keep ${count(max, 'conversation')}, as many as your plan allows. Delete one to begin another.`,
  conversation_length: ({ max }) =>
    `This conversation has reached the ${count(max, 'message')} your plan allows. Begin a new one to go on.`,
  messages_per_hour: ({ max }) => `You have sent ${count(max, 'message')} in the last hour, as many as your plan allows.`,
  messages_per_day: ({ max }) => `You have sent ${count(max, 'message')} today, as many as your plan allows.`,
  cost_per_day: ({ max }) => `This message does not fit into what your plan allows a day, ${usd(max)}.`,
  org_messages_per_day: ({ max }) => `Your organization has sent its ${count(max, 'message')} of today.`,
  org_budget: ({ max }) => `This message does not fit into your organization’s budget of ${usd(max)} a month.`,
}

/** The provider answers as many at once as the deployment allows; the others wait in line. */
export function inLine(queuePosition: number): string {
  return queuePosition === 1 ? 'Busy right now. You are next.' : `Busy right now. You are number ${queuePosition} in line.`
}

/** That a limit of the day comes near. */
export function nearness({ limit, level, used, max }: QuotaAlert): string {
  const amounts = limit === 'cost_per_day' ? `${usd(used)} of ${usd(max)}` : `${used.toLocaleString()} of ${count(max, 'message')}`
  const words = { ok: '', warn: 'Most of today is used', soft: 'The next message may not fit today', hard: 'Today is used up' }
  return `${words[level]}: ${amounts}.`
}

/** What an upgrade gives back, for a list: `100 messages an hour`. */
export const LIMIT_NAMES: Record<LimitName, string> = {
  license_inactive: 'an active licence',
  agent_not_allowed: 'every agent',
  file_uploads_not_allowed: 'attachments',
  conversations: 'more conversations',
  conversation_length: 'longer conversations',
  messages_per_hour: 'more messages an hour',
  messages_per_day: 'more messages a day',
  cost_per_day: 'a larger daily budget',
  org_messages_per_day: 'more messages for your organization',
  org_budget: 'a larger budget for your organization',
}

/** An answer as it is read out: without the signs that markdown has for the eye. */
export function spoken(answer: string): string {
  return answer
    .replaceAll(/^ *(```|~~~).*$/gm, '')
    .replaceAll(/^ *(#{1,6}|>) +/gm, '')
    .replaceAll(/^(?=.*---)[-:| ]+$/gm, '')
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/(\*\*|__|~~|`)(?=\S)(.*?\S)\1/g, '$2')
    .replaceAll(/^ *\|.*$/gm, (row) => row.split('|').map((cell) => cell.trim()).filter(Boolean).join(', '))
    .replaceAll(/\n{2,}/g, '\n')
    .trim()
}
