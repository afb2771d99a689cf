'use client'

import { useId, useState } from 'react'
import type { ProductionChatClient } from '../client.js'
import type { Quotas, Tier, UsageStats } from '../types.js'
import { Offer } from './upgrade-prompt.js'
import { useQuota } from './use-account.js'
import { useNow } from './use-now.js'
import { useQuotaAlert } from './use-quota-alert.js'
import { clockTime, count, duration, LIMIT_NAMES, nearness, TIER_NAMES, usd } from './words.js'

/** Props of {@link QuotaIndicator}. */
export interface QuotaIndicatorProps {
  /** The client, where there is no `ProductionChatProvider`. */
  client?: ProductionChatClient | undefined
  /** Takes the person to where plans are sold, when the day comes near its end. Without it the indicator only tells. */
  onUpgrade?: ((tier: Tier) => void) | undefined
}

/**
 * What remains today and this hour, what it has cost, and when it begins anew; from 80 % of the day on, that it comes near,
 * and which plan would give more. Keeps itself up to date.
 */
export function QuotaIndicator({ client, onUpgrade }: QuotaIndicatorProps) {
  const { quotas, usageStats, tier, tiers, isStale, isFallback, error } = useQuota(client)
  const resetsAt = usageStats === null ? null : (usageStats.hourFreesAt ?? usageStats.dayResetsAt)
  const now = useNow(resetsAt)
  const [announcement, announce] = useState('')
  useQuotaAlert((alert) => announce(nearness(alert)), client)

  if (quotas === null || usageStats === null) {
    return (
      <section className="pc-quota" aria-label="Your plan" aria-busy={error === null}>
        {error === null ? <span className="pc-skeleton" /> : <p className="pc-quota-note">{error.message}</p>}
      </section>
    )
  }

  const dayReset = `resets in ${duration(usageStats.dayResetsAt - now)}`
  const hourReset = usageStats.hourFreesAt === null ? null : `free again in ${duration(usageStats.hourFreesAt - now)}`
  return (
    <section className="pc-quota" aria-label="Your plan" data-level={usageStats.alertLevel} data-stale={isStale}>
      <Meter label="Today" remaining={usageStats.messagesRemaining} max={quotas.max_messages_per_day} note={dayReset} />
      <Meter
        label="This hour"
        remaining={usageStats.messagesRemainingThisHour}
        max={quotas.max_messages_per_hour}
        note={hourReset}
      />
      <p className="pc-quota-note">
        <b>{TIER_NAMES[tier ?? quotas.tier]} plan</b>
        <span title={`Of ${usd(usageStats.costLimitMicroUsd)} a day`}>{usd(usageStats.costTodayMicroUsd)} today</span>
      </p>
      <p className="pc-quota-note">
        <Reset usage={usageStats} now={now} isFallback={isFallback} />
        {usageStats.costHeldMicroUsd > 0 && <span>{usd(usageStats.costHeldMicroUsd)} held</span>}
      </p>
      {usageStats.alertLevel !== 'ok' && (
        <NearLimit usage={usageStats} quotas={quotas} tiers={tiers} onUpgrade={onUpgrade} />
      )}
      <p className="pc-hidden" role="status">
        {announcement}
      </p>
    </section>
  )
}

interface NearLimitProps {
  usage: UsageStats
  quotas: Quotas
  tiers: readonly Quotas[]
  onUpgrade: ((tier: Tier) => void) | undefined
}

/** In sight what is read out once: which of the day's limits comes near, and the cheapest plan with more of it. */
function NearLimit({ usage, quotas, tiers, onUpgrade }: NearLimitProps) {
  const sent = { used: quotas.max_messages_per_day - usage.messagesRemaining, max: quotas.max_messages_per_day }
  const spent = { used: usage.costTodayMicroUsd, max: usage.costLimitMicroUsd }
  const level = usage.alertLevel
  // One more message always fits into what is left of a number of messages, so only the cost can be `soft`.
  const isCost = level === 'soft' || spent.used * sent.max > sent.used * spent.max
  const { used, max } = isCost ? spent : sent
  const limitOf = (plan: Quotas) => (isCost ? plan.max_cost_per_day_micro_usd : plan.max_messages_per_day)
  const plan = tiers
    .filter((plan) => limitOf(plan) > limitOf(quotas))
    .sort((one, other) => one.price_usd_per_month - other.price_usd_per_month)[0]
  return (
    <div className="pc-near" data-level={level}>
      <p>{nearness({ limit: isCost ? 'cost_per_day' : 'messages_per_day', level, used, max })}</p>
      {plan !== undefined && (
        <Offer
          tier={plan.tier}
          plan={plan}
          gains={isCost ? LIMIT_NAMES.cost_per_day : `${plan.max_messages_per_day.toLocaleString()} messages a day`}
          onUpgrade={onUpgrade}
        />
      )}
    </div>
  )
}

interface MeterProps {
  label: string
  remaining: number
  max: number
  /** When it comes back, in words. */
  note: string | null
}

function Meter({ label, remaining, max, note }: MeterProps) {
  const labelId = useId()
  const share = max === 0 ? 0 : Math.min(1, remaining / max)
  const level = remaining === 0 ? 'hard' : share <= 0.2 ? 'warn' : 'ok'
  const words = `${remaining.toLocaleString()} of ${count(max, 'message')} left${note === null ? '' : `, ${note}`}`
  return (
    <div className="pc-meter" data-level={level}>
      <div className="pc-meter-text">
        <span id={labelId}>{label}</span>
        <span>
          <b>{remaining.toLocaleString()}</b> of {max.toLocaleString()} left
        </span>
      </div>
      <div
        className="pc-meter-track"
        role="meter"
        aria-labelledby={labelId}
        aria-valuemin={0}
        aria-valuemax={max}
        aria-valuenow={Math.min(remaining, max)}
        aria-valuetext={words}
      >
        <div className="pc-meter-fill" style={{ transform: `scaleX(${share})` }} />
      </div>
    </div>
  )
}

function Reset({ usage, now, isFallback }: { usage: UsageStats; now: number; isFallback: boolean }) {
  if (isFallback) return <span>Not confirmed yet</span>
  const at = usage.hourFreesAt ?? usage.dayResetsAt
  return (
    <time dateTime={new Date(at).toISOString()} title={clockTime(at, now)}>
      {usage.hourFreesAt === null ? 'New day' : 'Next message'} in {duration(at - now)}
    </time>
  )
}
