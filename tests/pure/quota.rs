use crate::fixtures::{NOON, draft, snapshot_of_hour};
use production_chat::Millis;
use production_chat::cost::Estimate;
use production_chat::license::{LicenseStatus, Quotas, Tier};
use production_chat::quota::{Basis, LimitName, QuotaRequest, Upgrade, Violation, check};
use production_chat::usage::{Counter, HOUR, PooledCounter, UsageSnapshot};
use proptest::collection::vec;
use proptest::prelude::*;

const DAY: Millis = 24 * HOUR;

fn all_tiers() -> Vec<Quotas> {
    [Tier::Enterprise, Tier::Pro, Tier::Free].map(Quotas::of).to_vec()
}

fn limits(request: &QuotaRequest, usage: &UsageSnapshot, basis: Basis) -> Vec<LimitName> {
    let verdict = check(request, usage, &[], NOON, basis);
    verdict.violations.iter().map(|violation| violation.limit).collect()
}

#[test]
fn a_fresh_user_may_write() {
    let usage = UsageSnapshot::fallback(Tier::Free, NOON);
    let verdict = check(&draft(), &usage, &all_tiers(), NOON, Basis::Server);
    assert!(verdict.allowed && verdict.violations.is_empty() && !verdict.soft_limit);
    assert_eq!((verdict.reason, verdict.retry_at, verdict.upgrade), (None, None, None));
    assert_eq!(verdict.estimate, draft().estimate);
}

#[test]
fn the_eleventh_message_of_the_hour() {
    let departures: Vec<Millis> = (1..=10).map(|minute| NOON + minute * 60_000).collect();
    let usage = snapshot_of_hour(Tier::Free, 10, 1, &departures);
    let verdict = check(&draft(), &usage, &all_tiers(), NOON, Basis::Browser);
    let retry_at = Some(NOON + 60_000);
    let expected = Violation {
        limit: LimitName::MessagesPerHour,
        used: 9,
        held: 1,
        max: 10,
        retry_at,
    };
    assert_eq!(verdict.violations, [expected]);
    assert_eq!(
        (verdict.reason, verdict.retry_at),
        (Some(LimitName::MessagesPerHour), retry_at)
    );
    assert_eq!(
        verdict.upgrade,
        Some(Upgrade {
            tier: Tier::Pro,
            unlocks: vec![LimitName::MessagesPerHour]
        })
    );
    assert!(!check(&draft(), &usage, &[], NOON + 59_999, Basis::Browser).allowed);
    assert!(check(&draft(), &usage, &[], NOON + 60_000, Basis::Browser).allowed);
}

#[test]
fn everything_at_once_in_order() {
    let mut usage = UsageSnapshot::fallback(Tier::Free, NOON);
    usage.license.status = LicenseStatus::Suspended;
    usage.conversations.used = 20;
    usage.messages_this_hour.used = 10;
    usage.hour_frees_at = vec![NOON + 5];
    usage.messages_today.used = 20;
    usage.cost_today_micro_usd.used = 40_000;
    usage.organization_messages_today = PooledCounter {
        used: 3,
        held: 2,
        max: Some(5),
    };
    usage.organization_cost_this_month_micro_usd = PooledCounter {
        used: 100,
        held: 0,
        max: Some(100),
    };
    let request = QuotaRequest {
        agent: "coding".to_owned(),
        files: 1,
        new_conversation: true,
        conversation_messages: 49,
        adds_messages: 2,
        estimate: Estimate {
            min_micro_usd: 1,
            max_micro_usd: 2,
            expected_micro_usd: None,
        },
    };
    let verdict = check(&request, &usage, &all_tiers(), NOON, Basis::Browser);
    let (day, month) = (Some(usage.day_resets_at), Some(usage.month_resets_at));
    let of = |limit, used, held, max, retry_at| Violation {
        limit,
        used,
        held,
        max,
        retry_at,
    };
    use LimitName::*;
    assert_eq!(
        verdict.violations,
        [
            of(LicenseInactive, 0, 0, 0, None),
            of(AgentNotAllowed, 0, 0, 0, None),
            of(FileUploadsNotAllowed, 0, 0, 0, None),
            of(Conversations, 20, 0, 20, None),
            of(ConversationLength, 49, 0, 50, None),
            of(MessagesPerHour, 10, 0, 10, Some(NOON + 5)),
            of(MessagesPerDay, 20, 0, 20, day),
            of(CostPerDay, 40_000, 0, 40_000, day),
            of(OrgMessagesPerDay, 3, 2, 5, day),
            of(OrgBudget, 100, 0, 100, month),
        ]
    );
    assert_eq!((verdict.reason, verdict.retry_at), (Some(LicenseInactive), None));
    assert_eq!(verdict.upgrade, None, "no plan makes a suspended licence active");
}

#[test]
fn the_reason_lifts_last_and_the_first_of_equals_counts() {
    let mut usage = UsageSnapshot::fallback(Tier::Free, NOON);
    usage.messages_this_hour.used = 10;
    usage.hour_frees_at = vec![NOON + 5];
    usage.messages_today.used = 20;
    usage.cost_today_micro_usd.used = 40_000;
    let verdict = check(&draft(), &usage, &[], NOON, Basis::Browser);
    assert_eq!(verdict.reason, Some(LimitName::MessagesPerDay));
    assert_eq!(verdict.retry_at, Some(usage.day_resets_at));
    usage.hour_frees_at.clear();
    let verdict = check(&draft(), &usage, &[], NOON, Basis::Browser);
    assert_eq!(
        (verdict.reason, verdict.retry_at),
        (Some(LimitName::MessagesPerHour), None)
    );
}

#[test]
fn a_regenerated_answer_has_room_in_a_full_conversation() {
    let usage = UsageSnapshot::fallback(Tier::Free, NOON);
    let mut request = draft();
    request.conversation_messages = 50;
    assert_eq!(limits(&request, &usage, Basis::Server), [LimitName::ConversationLength]);
    request.adds_messages = 0;
    assert_eq!(limits(&request, &usage, Basis::Server), []);
}

#[test]
fn the_browser_refuses_for_cost_only_what_cannot_fit() {
    let mut usage = UsageSnapshot::fallback(Tier::Free, NOON);
    usage.cost_today_micro_usd = Counter { used: 39_000, held: 0 };
    assert_eq!(limits(&draft(), &usage, Basis::Browser), []);
    assert_eq!(limits(&draft(), &usage, Basis::Server), [LimitName::CostPerDay]);
    usage.cost_today_micro_usd.held = 991;
    assert_eq!(limits(&draft(), &usage, Basis::Browser), [LimitName::CostPerDay]);
}

#[test]
fn the_soft_limit_is_80_percent_of_a_day_or_a_pool() {
    let usage = UsageSnapshot::fallback(Tier::Free, NOON);
    let soft = |change: fn(&mut UsageSnapshot)| {
        let mut usage = usage.clone();
        change(&mut usage);
        check(&draft(), &usage, &[], NOON, Basis::Browser).soft_limit
    };
    assert!(!soft(|u| u.messages_today.used = 15));
    assert!(soft(|u| u.messages_today = Counter { used: 15, held: 1 }));
    assert!(soft(|u| u.cost_today_micro_usd.used = 32_000));
    assert!(!soft(|u| u.messages_this_hour.used = 9));
    assert!(soft(|u| u.organization_messages_today.max = Some(0)));
    assert!(soft(|u| u.organization_cost_this_month_micro_usd = PooledCounter {
        used: 8,
        held: 0,
        max: Some(10)
    }));
}

#[test]
fn an_upgrade_is_dearer_and_the_cheapest_that_helps() {
    let mut usage = UsageSnapshot::fallback(Tier::Free, NOON);
    usage.messages_today.used = 600;
    let verdict = check(&draft(), &usage, &all_tiers(), NOON, Basis::Browser);
    assert_eq!(
        verdict.upgrade.unwrap().tier,
        Tier::Enterprise,
        "600 a day are too many for pro"
    );
    let as_dear = Quotas {
        price_usd_per_month: 0,
        ..Quotas::of(Tier::Pro)
    };
    assert_eq!(check(&draft(), &usage, &[as_dear], NOON, Basis::Browser).upgrade, None);
    usage.quotas = Quotas::of(Tier::Enterprise);
    usage.messages_today.used = 2_000;
    assert_eq!(
        check(&draft(), &usage, &all_tiers(), NOON, Basis::Browser).upgrade,
        None
    );
}

#[test]
fn verdicts_are_spelled_as_the_protocol_says() {
    let mut usage = UsageSnapshot::fallback(Tier::Free, NOON);
    usage.messages_today.used = 20;
    let verdict = check(&draft(), &usage, &all_tiers(), NOON, Basis::Browser);
    let json = serde_json::json!({
        "allowed": false, "reason": "messages_per_day",
        "violations": [
            { "limit": "messages_per_day", "used": 20, "held": 0, "max": 20, "retryAt": usage.day_resets_at }
        ],
        "retryAt": usage.day_resets_at, "softLimit": true,
        "estimate": { "minMicroUsd": 10, "maxMicroUsd": 2_000, "expectedMicroUsd": null },
        "isStale": false, "isFallback": false,
        "upgrade": { "tier": "pro", "unlocks": ["messages_per_day"] },
    });
    assert_eq!(serde_json::to_value(&verdict).unwrap(), json);
}

fn any_tier() -> impl Strategy<Value = Tier> {
    prop::sample::select(vec![Tier::Free, Tier::Pro, Tier::Enterprise])
}

prop_compose! {
    /// Small numbers around small limits, so that every limit binds now and then.
    fn any_quotas()(
        tier in any_tier(), price in 0_u32..3, max in vec(0_u64..6, 5), agents in any::<Option<bool>>(),
        file_uploads in any::<bool>(),
    ) -> Quotas {
        Quotas {
            tier,
            price_usd_per_month: price,
            max_messages_per_day: max[0],
            max_messages_per_hour: max[1],
            max_messages_per_conversation: max[2],
            max_conversations: max[3],
            max_cost_per_day_micro_usd: max[4],
            agents: agents.map(|all| if all { vec!["executive".to_owned(), "coding".to_owned()] } else { vec![] }),
            file_uploads,
            ..Quotas::of(tier)
        }
    }
}

prop_compose! {
    fn any_usage()(
        quotas in any_quotas(), departures in vec(1..HOUR, 0..8), counts in vec(0_u64..5, 11),
        pools in (any::<bool>(), any::<bool>()), active in prop::bool::weighted(0.9),
        resets in vec(0..2 * DAY, 2), expires in prop::option::weighted(0.3, 0..2 * DAY),
    ) -> UsageSnapshot {
        let mut departures: Vec<Millis> = departures.into_iter().map(|span| NOON + span).collect();
        departures.sort_unstable();
        let held = counts[0].min(departures.len() as u64);
        let mut usage = snapshot_of_hour(quotas.tier, quotas.max_messages_per_hour, held, &departures);
        usage.license.status = if active { LicenseStatus::Active } else { LicenseStatus::Suspended };
        usage.license.expires_at = expires.map(|span| NOON + span);
        usage.messages_today = Counter { used: counts[1], held: counts[2] };
        usage.cost_today_micro_usd = Counter { used: counts[3], held: counts[4] };
        usage.conversations = Counter { used: counts[5], held: 0 };
        usage.organization_messages_today =
            PooledCounter { used: counts[6], held: counts[7], max: pools.0.then_some(counts[10]) };
        usage.organization_cost_this_month_micro_usd =
            PooledCounter { used: counts[8], held: counts[9], max: pools.1.then_some(counts[10] + 2) };
        usage.day_resets_at = NOON + 1 + resets[0];
        usage.month_resets_at = NOON + 1 + resets[1];
        usage.quotas = quotas;
        usage
    }
}

prop_compose! {
    fn any_draft()(
        coding in any::<bool>(), files in 0_u64..2, new_conversation in any::<bool>(), length in 0_u64..5,
        adds in any::<bool>(), min in 0_u64..3, more in 0_u64..3,
    ) -> QuotaRequest {
        QuotaRequest {
            agent: if coding { "coding" } else { "executive" }.to_owned(),
            files,
            new_conversation,
            conversation_messages: length,
            adds_messages: if adds { 2 } else { 0 },
            estimate: Estimate { min_micro_usd: min, max_micro_usd: min + more, expected_micro_usd: None },
        }
    }
}

fn any_basis() -> impl Strategy<Value = Basis> {
    prop::sample::select(vec![Basis::Browser, Basis::Server])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_verdict_agrees_with_itself(
        request in any_draft(), usage in any_usage(), tiers in vec(any_quotas(), 0..4), span in 0..2 * DAY,
        basis in any_basis(),
    ) {
        let now = NOON + span;
        let verdict = check(&request, &usage, &tiers, now, basis);
        prop_assert_eq!(verdict.allowed, verdict.violations.is_empty());
        prop_assert_eq!(verdict.allowed, verdict.reason.is_none());
        prop_assert!(verdict.violations.windows(2).all(|pair| pair[0].limit < pair[1].limit), "in order, each once");
        let reason = verdict.violations.iter().find(|violation| Some(violation.limit) == verdict.reason);
        prop_assert_eq!(verdict.retry_at, reason.and_then(|violation| violation.retry_at));
        let lifts = |retry_at: Option<Millis>| retry_at.unwrap_or(Millis::MAX);
        prop_assert!(verdict.violations.iter().all(|violation| lifts(violation.retry_at) <= lifts(verdict.retry_at)));

        let aged = check(&request, &usage.aged(now), &tiers, now, basis);
        prop_assert_eq!(&verdict, &aged, "the evaluator ages the snapshot itself");
        let server = check(&request, &usage, &tiers, now, Basis::Server);
        let browser = check(&request, &usage, &tiers, now, Basis::Browser);
        prop_assert!(browser.allowed || !server.allowed, "the browser is never stricter than the law");
    }

    #[test]
    fn more_used_never_allows_what_less_denied(
        request in any_draft(), usage in any_usage(), more in vec(0_u64..3, 11), span in 0..2 * DAY,
        basis in any_basis(),
    ) {
        let mut fuller = usage.clone();
        for (value, more) in [
            &mut fuller.messages_today.used, &mut fuller.messages_today.held,
            &mut fuller.messages_this_hour.used, &mut fuller.messages_this_hour.held,
            &mut fuller.cost_today_micro_usd.used, &mut fuller.cost_today_micro_usd.held,
            &mut fuller.conversations.used,
            &mut fuller.organization_messages_today.used, &mut fuller.organization_messages_today.held,
            &mut fuller.organization_cost_this_month_micro_usd.used,
            &mut fuller.organization_cost_this_month_micro_usd.held,
        ].into_iter().zip(more) {
            *value += more;
        }
        let less = check(&request, &usage, &[], NOON + span, basis);
        let more = check(&request, &fuller, &[], NOON + span, basis);
        for violation in less.violations {
            prop_assert!(more.violations.iter().any(|other| other.limit == violation.limit), "{:?}", violation.limit);
        }
        prop_assert!(more.soft_limit || !less.soft_limit);
    }

    #[test]
    fn retry_at_is_honest(request in any_draft(), usage in any_usage(), span in 0..DAY, basis in any_basis()) {
        let now = NOON + span;
        for violation in check(&request, &usage, &[], now, basis).violations {
            let Some(retry_at) = violation.retry_at else { continue };
            let binds_at = |at| {
                let then = check(&request, &usage, &[], at, basis);
                then.violations.into_iter().find(|other| other.limit == violation.limit)
            };
            // What is held when a day ends is still held after it.
            let adds = match (violation.limit, basis) {
                (LimitName::CostPerDay | LimitName::OrgBudget, Basis::Browser) => request.estimate.min_micro_usd,
                (LimitName::CostPerDay | LimitName::OrgBudget, Basis::Server) => request.estimate.max_micro_usd,
                _ => 1,
            };
            let by_held_alone = violation.held + adds > violation.max;
            if violation.limit == LimitName::MessagesPerHour || !by_held_alone {
                prop_assert!(retry_at > now);
                prop_assert_eq!(binds_at(retry_at), None);
                prop_assert!(binds_at(retry_at - 1).is_some(), "and not a millisecond earlier");
            }
        }
    }

    #[test]
    fn an_upgrade_helps_and_none_cheaper_does(
        request in any_draft(), usage in any_usage(), tiers in vec(any_quotas(), 0..5), basis in any_basis(),
    ) {
        let verdict = check(&request, &usage, &tiers, NOON, basis);
        let helps = |tier: &&Quotas| {
            let upgraded = UsageSnapshot { quotas: (*tier).clone(), ..usage.clone() };
            let dearer = tier.price_usd_per_month > usage.quotas.price_usd_per_month;
            dearer && !verdict.allowed && check(&request, &upgraded, &[], NOON, basis).allowed
        };
        let mut helping: Vec<&Quotas> = tiers.iter().filter(helps).collect();
        helping.sort_by_key(|tier| (tier.price_usd_per_month, tier.tier.name()));
        prop_assert_eq!(verdict.upgrade.as_ref().map(|upgrade| upgrade.tier), helping.first().map(|tier| tier.tier));
        if let Some(upgrade) = verdict.upgrade {
            let binding: Vec<LimitName> = verdict.violations.iter().map(|violation| violation.limit).collect();
            prop_assert_eq!(upgrade.unlocks, binding);
        }
    }
}
