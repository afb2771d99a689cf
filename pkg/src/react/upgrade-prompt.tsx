'use client'

import type { Quotas, Tier, Verdict } from '../types.js'
import { LIMIT_NAMES, TIER_NAMES } from './words.js'

/** Props of {@link UpgradePrompt}. */
export interface UpgradePromptProps {
  /** The refusal an upgrade may lift. */
  verdict: Verdict
  /** Every plan there is: the `tiers` of `useProductionChat` or `useQuota`. The price and the figures are in it. */
  tiers: readonly Quotas[]
  /** Takes the person to where plans are sold. Without it the prompt only tells. */
  onUpgrade?: ((tier: Tier) => void) | undefined
}

/** The cheapest plan under which the refused message could be sent. Nothing when no plan would help. */
export function UpgradePrompt({ verdict, tiers, onUpgrade }: UpgradePromptProps) {
  const { upgrade } = verdict
  if (upgrade === null) return null
  const plan = tiers.find(({ tier }) => tier === upgrade.tier)
  return <Offer tier={upgrade.tier} plan={plan} gains={gains(verdict, plan)} onUpgrade={onUpgrade} />
}

interface OfferProps {
  tier: Tier
  /** What it costs; undefined: not known. */
  plan: Quotas | undefined
  /** What it gives, in words. */
  gains: string
  onUpgrade: ((tier: Tier) => void) | undefined
}

/** A plan, and what it would give. */
export function Offer({ tier, plan, gains, onUpgrade }: OfferProps) {
  const name = TIER_NAMES[tier]
  return (
    <div className="pc-upgrade">
      <p>
        <b>{name}</b>
        {plan !== undefined && <span className="pc-upgrade-price"> ${plan.price_usd_per_month} a month</span>}
        <span> gives you {gains}.</span>
      </p>
      {onUpgrade !== undefined && (
        <button type="button" className="pc-button pc-button-primary" onClick={() => onUpgrade(tier)}>
          Upgrade to {name}
        </button>
      )}
    </div>
  )
}

/** The limits that bind now, as the plan has them: with its figures where it names some. */
function gains(verdict: Verdict, plan: Quotas | undefined): string {
  const names = (verdict.upgrade?.unlocks ?? []).map((limit) => {
    if (plan === undefined) return LIMIT_NAMES[limit]
    switch (limit) {
      case 'messages_per_hour':
        return `${plan.max_messages_per_hour.toLocaleString()} messages an hour`
      case 'messages_per_day':
        return `${plan.max_messages_per_day.toLocaleString()} messages a day`
      case 'conversation_length':
        return `conversations of ${plan.max_messages_per_conversation.toLocaleString()} messages`
      case 'conversations':
        return `${plan.max_conversations.toLocaleString()} conversations`
      default:
        return LIMIT_NAMES[limit]
    }
  })
  return new Intl.ListFormat('en', { type: 'conjunction' }).format(names)
}
