//! What a message may cost, and what it can be expected to: from what the server said of the last turns.

use production_chat::cost::Estimate;
use serde_json::{Value, json};

use crate::world::*;

/// 4 bytes a token, and answers of 50 tokens.
fn calibration() -> Value {
    json!({ "inputBytes": 8_000, "inputTokens": 2_000, "turns": 10, "outputTokens": 500 })
}

/// An account that was read again, with a calibration or with something else in its place.
fn world_that_learns(calibration: Value) -> World {
    let mut world = World::ready();
    learn(&mut world, calibration);
    world
}

fn learn(world: &mut World, calibration: Value) {
    world.act(|session, at| session.refetch_account(at));
    let status = with(status(usage(1)), json!({ "calibration": calibration }));
    world.reply("quota_status", 200, &status);
}

fn estimate(world: &World, text: &str) -> Estimate {
    world.session.check(&draft(CONVERSATION, text), world.now).estimate
}

#[test]
fn a_check_says_what_a_message_can_be_expected_to_cost() {
    let mut world = World::ready();
    let before = estimate(&world, "Hello");
    assert_eq!(before.expected_micro_usd, None, "nothing was learnt");
    learn(&mut world, calibration());
    // 405 bytes at a quarter of a token each, at 1; 50 tokens at 2.
    let after = estimate(&world, "Hello");
    assert_eq!(after.expected_micro_usd, Some(202));
    let bounds = |estimate: Estimate| (estimate.min_micro_usd, estimate.max_micro_usd);
    assert_eq!(bounds(before), bounds(after));
    assert!(estimate(&world, &"Hello ".repeat(100)).expected_micro_usd > Some(300));

    // Replies to messages do not carry it: the last one stands.
    world.open(&page(CONVERSATION, vec![], false));
    let turn = world.send(CONVERSATION, "Hello");
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    world.say(stream, &done(CONVERSATION, &turn, 2, "Hi", 3));
    assert!(
        estimate(&world, "Hello").expected_micro_usd > Some(202),
        "the context has grown"
    );
}

#[test]
fn of_a_calibration_that_is_none_nothing_is_learnt_and_the_account_is_read_all_the_same() {
    let broken = json!({ "inputBytes": "many", "inputTokens": -1, "turns": 0.5, "outputTokens": null });
    let zeros = json!({ "inputBytes": 0, "inputTokens": 0, "turns": 0, "outputTokens": 0 });
    for senseless in [Value::Null, json!(7), json!([]), json!({}), broken, zeros] {
        let mut world = world_that_learns(calibration());
        assert!(estimate(&world, "Hello").expected_micro_usd.is_some());
        learn(&mut world, senseless.clone());
        assert_eq!(estimate(&world, "Hello").expected_micro_usd, None, "{senseless}");
        assert!(
            world.account().error.is_none() && !world.account().agents.is_empty(),
            "{senseless}"
        );
    }
}

#[test]
fn figures_beyond_measure_stay_within_the_range() {
    let most = json!({ "inputBytes": 1, "inputTokens": u64::MAX, "turns": 1, "outputTokens": u64::MAX });
    let estimate = estimate(&world_that_learns(most), "Hello");
    assert_eq!(estimate.expected_micro_usd, Some(estimate.max_micro_usd));
}

#[test]
fn somebody_else_learns_for_themselves() {
    let mut world = world_that_learns(calibration());
    world.act(|session, _| session.access_token_changed());
    world.give_token(token("99999999-9999-4999-8999-999999999999"));
    world.reply("quota_status", 200, &status(usage(1)));
    assert_eq!(estimate(&world, "Hello").expected_micro_usd, None);
}
