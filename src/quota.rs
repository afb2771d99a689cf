//! May this draft be sent? Every limit at once, from memory.
//!
//! One rule set, written twice: here and as `private.evaluate_quota` in SQL (docs/protocol.md, "The evaluator"). A
//! differential test compares the two field by field, so a rule changes in both places or in none.

use crate::Millis;
use crate::cost::{Estimate, MicroUsd, reaches_80_percent};
use crate::license::{LicenseStatus, Quotas, Tier};
use crate::usage::{Counter, UsageSnapshot};
use serde::{Deserialize, Serialize};

/// A limit, in the order in which they are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub enum LimitName {
    /// The licence is suspended or expired.
    LicenseInactive,
    /// The plan does not include the agent.
    AgentNotAllowed,
    /// The plan does not include attachments.
    FileUploadsNotAllowed,
    /// As many conversations are kept as the plan allows.
    Conversations,
    /// The conversation is as long as the plan allows.
    ConversationLength,
    /// The sliding hour is spent.
    MessagesPerHour,
    /// The day is spent.
    MessagesPerDay,
    /// The day's money is spent.
    CostPerDay,
    /// The organization's day is spent.
    OrgMessagesPerDay,
    /// The organization's month is spent.
    OrgBudget,
}

impl LimitName {
    /// Whether waiting lifts it. What waiting does not lift is answered with 403, the rest with 429.
    pub fn lifts_with_time(self) -> bool {
        self > LimitName::ConversationLength
    }
}

/// What the evaluator needs to know of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub struct QuotaRequest {
    /// The agent it is for.
    pub agent: String,
    /// How many files are attached.
    pub files: u64,
    /// Whether it begins a conversation.
    pub new_conversation: bool,
    /// Messages in the conversation now, live turns' included; 0 when new.
    pub conversation_messages: u64,
    /// 2 for a message and its answer, 0 for a regenerated answer.
    pub adds_messages: u64,
    /// What it may cost.
    pub estimate: Estimate,
}

/// A limit that binds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct Violation {
    /// Which.
    pub limit: LimitName,
    /// By turns that have ended.
    pub used: u64,
    /// By turns that have not.
    pub held: u64,
    /// The limit.
    pub max: u64,
    /// When it lifts; `null`: waiting does not lift it, or nobody knows when.
    pub retry_at: Option<Millis>,
}

/// The cheapest plan under which the draft could be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub struct Upgrade {
    /// The plan.
    pub tier: Tier,
    /// The limits it lifts: all that bind now.
    pub unlocks: Vec<LimitName>,
}

/// The answer: may it be sent, what stands against it, when that lifts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct Verdict {
    /// Whether it may be sent.
    pub allowed: bool,
    /// The violation that lifts last.
    pub reason: Option<LimitName>,
    /// Every limit that binds, in [`LimitName`] order.
    pub violations: Vec<Violation>,
    /// The reason's.
    pub retry_at: Option<Millis>,
    /// 80 % of a day, cost or pool limit is spent.
    pub soft_limit: bool,
    /// What it may cost.
    pub estimate: Estimate,
    /// Browser only: rests on data older than its freshness.
    pub is_stale: bool,
    /// Browser only: no data yet, the default plan assumed.
    pub is_fallback: bool,
    /// The plan that would allow it.
    pub upgrade: Option<Upgrade>,
}

/// Which end of the estimate has to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Basis {
    /// The least it may cost: the browser refuses only what cannot fit.
    Browser,
    /// The most it may cost: what the server holds.
    Server,
}

/// Evaluates every limit for a draft at `now` (server's clock).
///
/// `usage` is aged to `now` first; merge the holds before ([`UsageSnapshot::with_holds`]). `tiers` are the plans an
/// upgrade may be chosen from. `is_stale` and `is_fallback` are the caller's to set.
pub fn check(request: &QuotaRequest, usage: &UsageSnapshot, tiers: &[Quotas], now: Millis, basis: Basis) -> Verdict {
    let usage = usage.aged(now);
    let violations = violations(request, &usage, &usage.quotas, basis);
    let reason = lifts_last(&violations);
    let (reason, retry_at) = (reason.map(|v| v.limit), reason.and_then(|v| v.retry_at));
    Verdict {
        allowed: violations.is_empty(),
        reason,
        retry_at,
        soft_limit: soft_limit(&usage),
        estimate: request.estimate,
        is_stale: false,
        is_fallback: false,
        upgrade: upgrade(request, &usage, tiers, basis, &violations),
        violations,
    }
}

/// Every limit of `quotas` that binds, in order. `usage` is aged already.
fn violations(request: &QuotaRequest, usage: &UsageSnapshot, quotas: &Quotas, basis: Basis) -> Vec<Violation> {
    use LimitName::*;
    let mut found = Vec::new();

    let mut forbid = |limit, binds: bool| {
        let (used, held, max, retry_at) = (0, 0, 0, None);
        found.extend(binds.then_some(Violation {
            limit,
            used,
            held,
            max,
            retry_at,
        }));
    };
    let agents = quotas.agents.as_ref();
    forbid(LicenseInactive, usage.license.status != LicenseStatus::Active);
    let is_left_out = agents.is_some_and(|agents| !agents.contains(&request.agent));
    forbid(AgentNotAllowed, is_left_out);
    forbid(FileUploadsNotAllowed, request.files > 0 && !quotas.file_uploads);

    let mut count = |limit, Counter { used, held }: Counter, adds: u64, max: Option<u64>, retry_at| {
        let Some(max) = max else { return };
        if used.saturating_add(held).saturating_add(adds) > max {
            found.push(Violation {
                limit,
                used,
                held,
                max,
                retry_at,
            });
        }
    };
    if request.new_conversation {
        let kept = Counter {
            used: usage.conversations.used,
            held: 0,
        };
        count(Conversations, kept, 1, Some(quotas.max_conversations), None);
    }
    if request.adds_messages > 0 {
        let length = Counter {
            used: request.conversation_messages,
            held: 0,
        };
        let max = Some(quotas.max_messages_per_conversation);
        count(ConversationLength, length, request.adds_messages, max, None);
    }
    let cost: MicroUsd = match basis {
        Basis::Browser => request.estimate.min_micro_usd,
        Basis::Server => request.estimate.max_micro_usd,
    };
    let (hour, day) = (usage.messages_this_hour, usage.messages_today);
    let spent = usage.cost_today_micro_usd;
    let pool = usage.organization_messages_today;
    let budget = usage.organization_cost_this_month_micro_usd;
    // Aged, the list holds only what lies ahead.
    let hour_frees = usage.hour_frees_at.first().copied();
    let day_end = Some(usage.day_resets_at);
    let month_end = Some(usage.month_resets_at);
    count(MessagesPerHour, hour, 1, Some(quotas.max_messages_per_hour), hour_frees);
    count(MessagesPerDay, day, 1, Some(quotas.max_messages_per_day), day_end);
    count(
        CostPerDay,
        spent,
        cost,
        Some(quotas.max_cost_per_day_micro_usd),
        day_end,
    );
    count(OrgMessagesPerDay, pool.counter(), 1, pool.max, day_end);
    count(OrgBudget, budget.counter(), cost, budget.max, month_end);
    found
}

/// The first that waiting does not lift; else the one with the latest `retry_at`, the first of equals.
fn lifts_last(violations: &[Violation]) -> Option<&Violation> {
    let never = violations.iter().find(|v| v.retry_at.is_none());
    // `max_by_key` takes the last of equals: reversed, that is the first.
    never.or_else(|| violations.iter().rev().max_by_key(|v| v.retry_at))
}

/// Whether 80 % of the day, its cost or a pool is spent or held.
fn soft_limit(usage: &UsageSnapshot) -> bool {
    let (day, spent) = (usage.messages_today, usage.cost_today_micro_usd);
    let pool = usage.organization_messages_today;
    let budget = usage.organization_cost_this_month_micro_usd;
    let limits = [
        (day, Some(usage.quotas.max_messages_per_day)),
        (spent, Some(usage.quotas.max_cost_per_day_micro_usd)),
        (pool.counter(), pool.max),
        (budget.counter(), budget.max),
    ];
    let reached =
        |(counter, max): (Counter, Option<u64>)| max.is_some_and(|max| reaches_80_percent(counter.total(), max));
    limits.into_iter().any(reached)
}

/// The cheapest plan dearer than the present one (by price, then name) under which nothing binds.
fn upgrade(
    request: &QuotaRequest,
    usage: &UsageSnapshot,
    tiers: &[Quotas],
    basis: Basis,
    present: &[Violation],
) -> Option<Upgrade> {
    if present.is_empty() {
        return None;
    }
    let price = usage.quotas.price_usd_per_month;
    let dearer = tiers.iter().filter(|tier| tier.price_usd_per_month > price);
    let helping = dearer.filter(|tier| violations(request, usage, tier, basis).is_empty());
    let cheapest = helping.min_by_key(|tier| (tier.price_usd_per_month, tier.tier.name()))?;
    let unlocks = present.iter().map(|violation| violation.limit).collect();
    Some(Upgrade {
        tier: cheapest.tier,
        unlocks,
    })
}
