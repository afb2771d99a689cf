//! The limits of a day come near: each level is told once.

use production_chat::cost::AlertLevel;
use production_chat::quota::LimitName;
use production_chat::session::Input;
use serde_json::{Value, json};

use crate::world::*;

/// So many messages and so much money spent.
fn day(version: u64, messages: u64, micro_usd: u64) -> Value {
    with(
        usage(version),
        json!({
            "messagesToday": { "used": messages, "held": 0 }, "costTodayMicroUsd": { "used": micro_usd, "held": 0 }
        }),
    )
}

/// Pro: 500 messages and 1,000,000 micro-USD a day.
fn begin(usage: Value) -> World {
    let mut world = World::new(options());
    world.give_token(token(USER));
    world.reply("quota_status", 200, &status(usage));
    world.reply(
        "list_conversations",
        200,
        &json!({ "conversations": [], "hasMore": false }),
    );
    world
}

fn learn(world: &mut World, usage: Value) {
    world.act(|session, at| session.refetch_account(at));
    world.reply("quota_status", 200, &status(usage));
    world.reply(
        "list_conversations",
        200,
        &json!({ "conversations": [], "hasMore": false }),
    );
}

fn told(world: &mut World) -> Vec<(LimitName, AlertLevel)> {
    world.alerts.drain(..).map(|alert| (alert.limit, alert.level)).collect()
}

const MESSAGES: LimitName = LimitName::MessagesPerDay;
const COST: LimitName = LimitName::CostPerDay;

#[test]
fn each_level_of_each_limit_is_told_once() {
    let mut world = begin(day(1, 0, 0));
    learn(&mut world, day(2, 399, 799_999));
    assert_eq!(told(&mut world), []);
    learn(&mut world, day(3, 400, 799_999));
    assert_eq!(told(&mut world), [(MESSAGES, AlertLevel::Warn)]);
    learn(&mut world, day(4, 401, 800_000));
    assert_eq!(told(&mut world), [(COST, AlertLevel::Warn)]);
    learn(&mut world, day(5, 402, 999_999));
    assert_eq!(told(&mut world), [(COST, AlertLevel::Soft)]);
    learn(&mut world, day(6, 500, 1_000_000));
    assert_eq!(
        told(&mut world),
        [(MESSAGES, AlertLevel::Hard), (COST, AlertLevel::Hard)]
    );
    learn(&mut world, day(7, 500, 1_000_000));
    assert_eq!(told(&mut world), []);
}

#[test]
fn how_the_day_was_found_is_no_crossing() {
    let mut world = begin(day(1, 450, 0));
    assert_eq!(told(&mut world), []);
    learn(&mut world, day(2, 451, 0));
    assert_eq!(told(&mut world), []);
}

#[test]
fn a_hold_crosses_and_a_refund_does_not_make_it_cross_again() {
    let mut world = begin(day(1, 399, 0));
    let conversation = world.act(|session, at| session.new_conversation(None, at));
    world.send(&conversation, "The four hundredth");
    assert_eq!(told(&mut world), [(MESSAGES, AlertLevel::Warn)]);
    let refunded = problem("provider_unavailable", 503, json!({ "usage": day(2, 399, 0) }));
    world.open_stream("/chat", &event("error", refunded));
    let alert_level = |world: &World| world.account().usage_stats.unwrap().alert_level;
    assert_eq!(alert_level(&world), AlertLevel::Ok, "refunded");
    world.send(&conversation, "The four hundredth, again");
    assert_eq!(alert_level(&world), AlertLevel::Warn);
    assert_eq!(told(&mut world), []);
}

#[test]
fn a_neighbours_message_crosses_here_as_well() {
    let mut world = begin(day(1, 399, 0));
    world.has_neighbour = true;
    let mut neighbour = World::neighbour(8);
    neighbour.send(CONVERSATION, "From over there");
    for text in std::mem::take(&mut neighbour.told) {
        world.feed(Input::Tab(text));
    }
    assert_eq!(told(&mut world), [(MESSAGES, AlertLevel::Warn)]);
}

#[test]
fn a_new_day_begins_anew_and_tells_once_though_the_server_is_heard_late() {
    let mut world = begin(day(1, 0, 0));
    learn(&mut world, day(2, 499, 0));
    assert_eq!(told(&mut world), [(MESSAGES, AlertLevel::Warn)]);
    // Past the end of the day, and the server has said nothing since.
    world.pass(36_000_001);
    let conversation = world.act(|session, at| session.new_conversation(None, at));
    world.send(&conversation, "Good morning");
    assert_eq!(told(&mut world), []);
    let next_day = |version, messages| {
        with(
            day(version, messages, 0),
            json!({ "serverTime": START + 36_000_002, "dayResetsAt": START + 122_400_000 }),
        )
    };
    learn(&mut world, next_day(3, 410));
    assert_eq!(told(&mut world), [(MESSAGES, AlertLevel::Warn)]);
    learn(&mut world, next_day(4, 420));
    assert_eq!(told(&mut world), []);
}

#[test]
fn another_plan_begins_anew() {
    let mut world = begin(day(1, 0, 0));
    learn(&mut world, day(2, 500, 0));
    assert_eq!(told(&mut world), [(MESSAGES, AlertLevel::Hard)]);
    let enterprise = |version, messages| {
        let quotas = with(quotas(), json!({ "tier": "enterprise", "max_messages_per_day": 2_000 }));
        with(day(version, messages, 0), json!({ "quotas": quotas }))
    };
    learn(&mut world, enterprise(3, 501));
    assert_eq!(told(&mut world), []);
    learn(&mut world, enterprise(4, 1_600));
    assert_eq!(told(&mut world), [(MESSAGES, AlertLevel::Warn)]);
}
