use crate::fixtures::{NOON, holds_at, snapshot_of_hour};
use production_chat::license::{LicenseStatus, Tier};
use production_chat::quota::{Basis, check};
use production_chat::usage::{Counter, HOUR, PooledCounter, UsageSnapshot};
use production_chat::{Millis, usage};
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn the_fallback_knows_the_calendar() {
    let usage = UsageSnapshot::fallback(Tier::Free, NOON);
    assert_eq!(usage.day_resets_at, 1_736_985_600_000, "2025-01-16T00:00:00Z");
    assert_eq!(usage.month_resets_at, 1_738_368_000_000, "2025-02-01T00:00:00Z");
    let december = UsageSnapshot::fallback(Tier::Free, 1_735_689_599_999);
    assert_eq!(december.month_resets_at, 1_735_689_600_000, "2025-01-01T00:00:00Z");
}

#[test]
fn days_months_and_licences_end_at_their_instant() {
    let mut usage = UsageSnapshot::fallback(Tier::Pro, NOON);
    usage.messages_today = Counter { used: 7, held: 1 };
    usage.cost_today_micro_usd = Counter { used: 700, held: 100 };
    usage.organization_messages_today = PooledCounter {
        used: 70,
        held: 1,
        max: Some(100),
    };
    usage.organization_cost_this_month_micro_usd = PooledCounter {
        used: 7_000,
        held: 100,
        max: None,
    };
    usage.license.expires_at = Some(NOON + 10);

    assert_eq!(usage.aged(NOON + 9), usage);
    assert_eq!(usage.aged(NOON + 10).license.status, LicenseStatus::Expired);
    assert_eq!(usage.aged(usage.day_resets_at - 1).messages_today, usage.messages_today);
    let next_day = usage.aged(usage.day_resets_at);
    assert_eq!(next_day.messages_today, Counter { used: 0, held: 1 });
    assert_eq!(next_day.cost_today_micro_usd, Counter { used: 0, held: 100 });
    assert_eq!(next_day.organization_messages_today.counter().total(), 1);
    assert_eq!(next_day.organization_cost_this_month_micro_usd.counter().total(), 7_100);
    let next_month = usage.aged(usage.month_resets_at);
    assert_eq!(next_month.organization_cost_this_month_micro_usd.counter().total(), 100);
}

#[test]
fn a_suspended_licence_does_not_become_expired() {
    let mut usage = UsageSnapshot::fallback(Tier::Pro, NOON);
    usage.license.status = LicenseStatus::Suspended;
    usage.license.expires_at = Some(NOON);
    assert_eq!(usage.aged(NOON).license.status, LicenseStatus::Suspended);
}

#[test]
fn holds_count_once() {
    let mut usage = UsageSnapshot::fallback(Tier::Pro, NOON);
    usage.messages_today.held = 1;
    usage.live_turn_ids = vec!["local-0".to_owned()];
    let holds = holds_at(&[NOON, NOON + 1]);
    let merged = usage.with_holds(&holds);
    assert_eq!(merged.messages_today.held, 2, "the server counts local-0 already");
    assert_eq!(merged.cost_today_micro_usd.held, 100);
    assert_eq!(merged.organization_messages_today.held, 1);
    assert_eq!(merged.organization_cost_this_month_micro_usd.held, 100);
    assert_eq!(merged.hour_frees_at, [NOON + 1 + HOUR]);
}

#[test]
fn a_list_that_was_cut_off_is_not_continued_across_the_gap() {
    let departures: Vec<Millis> = (1..=20).map(|minute| NOON + minute * 60_000).collect();
    let usage = snapshot_of_hour(Tier::Pro, 20, 0, &departures);
    assert_eq!(usage.hour_frees_at, departures[..16]);
    let merged = usage.with_holds(&holds_at(&[NOON]));
    assert_eq!(
        merged.hour_frees_at,
        departures[1..16],
        "21 turns: the second departure makes room"
    );
}

#[test]
fn holds_are_forgotten_when_the_server_knows_or_time_is_up() {
    let mut holds = holds_at(&[NOON, NOON + 500, NOON + 1_000]);
    assert_eq!(holds.expired(NOON + 1_000, 500), ["local-0", "local-1"]);
    holds.retain_unknown(&["local-1".to_owned()]);
    assert!(holds.contains("local-0") && !holds.contains("local-1"));
    assert_eq!(holds.remove("local-0").unwrap().at, NOON);
    assert_eq!(holds.len(), 1);
}

#[test]
fn unknown_fields_are_ignored_and_missing_ones_are_none() {
    let usage = UsageSnapshot::fallback(Tier::Enterprise, NOON);
    let mut json = serde_json::to_value(&usage).unwrap();
    json["newerServer"] = serde_json::json!({ "says": "more" });
    json["license"].as_object_mut().unwrap().remove("expiresAt");
    json["quotas"].as_object_mut().unwrap().remove("agents");
    assert_eq!(serde_json::from_value::<UsageSnapshot>(json).unwrap(), usage);
}

/// Instants within the hour after noon, ascending.
fn departures(most: usize) -> impl Strategy<Value = Vec<Millis>> {
    vec(1..HOUR, 0..most).prop_map(|mut spans| {
        spans.sort_unstable();
        spans.into_iter().map(|span| NOON + span).collect()
    })
}

fn hour_binds(usage: &UsageSnapshot, now: Millis) -> bool {
    let verdict = check(&crate::fixtures::draft(), usage, &[], now, Basis::Server);
    verdict
        .violations
        .iter()
        .any(|v| v.limit == production_chat::quota::LimitName::MessagesPerHour)
}

proptest! {
    #[test]
    fn ageing_twice_is_ageing_to_the_later(
        departures in departures(40), max in 0_u64..30, held in 0_u64..3, spans in vec(0..2 * HOUR, 2)
    ) {
        let held = held.min(departures.len() as u64);
        let usage = snapshot_of_hour(Tier::Free, max, held, &departures);
        let (first, second) = (NOON + spans[0].min(spans[1]), NOON + spans[0].max(spans[1]));
        prop_assert_eq!(usage.aged(first).aged(second), usage.aged(second));
    }

    /// The model knows every departure; the snapshot at most 16. They agree as far as the list reaches, and beyond it
    /// the snapshot never counts too little.
    #[test]
    fn the_hour_is_exact(
        departures in departures(40), max in 0_u64..30, local in vec(0..HOUR, 0..5), span in 0..2 * HOUR
    ) {
        let server = snapshot_of_hour(Tier::Free, max, 0, &departures);
        let sent: Vec<Millis> = local.iter().map(|ago| NOON - HOUR / 2 + ago / 2).collect();
        let usage = server.with_holds(&holds_at(&sent));
        prop_assert_eq!(usage.messages_this_hour.total(), (departures.len() + sent.len()) as u64);
        prop_assert!(usage.hour_frees_at.is_sorted() && usage.hour_frees_at.len() <= usage::HOUR_LIST_MAX);

        let mut all: Vec<Millis> = departures.iter().copied().chain(sent.iter().map(|at| at + HOUR)).collect();
        all.sort_unstable();
        let now = NOON + span;
        let left = all.iter().filter(|at| **at > now).count() as u64;
        let aged = usage.aged(now).messages_this_hour.total();
        prop_assert!(aged >= left.min(max), "never too little: {aged} of {left}");

        let cut_off = server.hour_frees_at.len() == usage::HOUR_LIST_MAX;
        let in_order = sent.iter().all(|at| departures.last().is_none_or(|last| at + HOUR >= *last));
        let lists_all = !cut_off && usage.hour_frees_at.len() < usage::HOUR_LIST_MAX;
        let reaches_now = usage.hour_frees_at.last().is_some_and(|last| now <= *last);
        if in_order && (lists_all || reaches_now) {
            prop_assert_eq!(hour_binds(&usage, now), left + 1 > max);
        }
        if hour_binds(&usage, now) && in_order && !cut_off {
            let freeing = all.iter().copied().find(|at| all.iter().filter(|later| *later > at).count() < max as usize);
            prop_assert_eq!(usage.aged(now).hour_frees_at.first().copied(), freeing);
        }
    }
}
