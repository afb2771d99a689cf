//! Limits: refused here, refused by the server, waited for.

use production_chat::problem::ChatErrorCode;
use production_chat::quota::LimitName;
use production_chat::session::{ChatMessageStatus, Draft};
use serde_json::json;

use crate::world::*;

fn hour_is_spent() -> World {
    let mut world = World::new(options());
    world.give_token(token(USER));
    world.reply("quota_status", 200, &status(hour_spent(1)));
    world.reply(
        "list_conversations",
        200,
        &json!({ "conversations": [], "hasMore": false }),
    );
    world.open(&page(CONVERSATION, vec![], false));
    world
}

fn patient(text: &str) -> Draft {
    Draft {
        queue: Some(true),
        ..draft(CONVERSATION, text)
    }
}

fn denied(retry_at: u64) -> serde_json::Value {
    let violation = json!({ "limit": "messages_per_hour", "used": 100, "held": 0, "max": 100, "retryAt": retry_at });
    problem(
        "quota_exceeded",
        429,
        json!({ "retryAfter": 60, "usage": hour_spent(2), "violations": [violation],
        "verdict": { "allowed": false, "reason": "messages_per_hour", "violations": [violation], "retryAt": retry_at,
            "softLimit": false, "estimate": { "minMicroUsd": 1, "maxMicroUsd": 2 }, "isStale": false,
            "isFallback": false, "upgrade": null } }),
    )
}

#[test]
fn a_spent_hour_is_refused_here_without_a_request() {
    let mut world = hour_is_spent();
    let error = world
        .act(|session, at| session.send(&draft(CONVERSATION, "One more"), at))
        .unwrap_err();
    assert_eq!(error.code, ChatErrorCode::QuotaExceeded);
    let verdict = error.verdict.unwrap();
    assert_eq!(
        (verdict.reason, verdict.retry_at),
        (Some(LimitName::MessagesPerHour), Some(START + 60_000))
    );
    assert!(world.wire.is_empty() && world.storage.is_empty());
    assert!(world.conversation(CONVERSATION).messages.is_empty());
}

#[test]
fn the_verdict_unblocks_itself_when_the_limit_lifts() {
    let mut world = hour_is_spent();
    assert!(!world.conversation(CONVERSATION).head.verdict.allowed);
    assert_eq!(world.session.next_timeout(), Some(START + 60_000));
    world.pass(60_000);
    assert!(world.conversation(CONVERSATION).head.verdict.allowed);
    assert!(world.wire.is_empty(), "without asking");
}

#[test]
fn a_wrong_clock_here_does_not_move_the_instant_a_limit_lifts() {
    let mut world = World::new(options());
    // This machine is ten minutes behind the server.
    world.now = START - 600_000;
    world.give_token(token(USER));
    world.reply("quota_status", 200, &status(hour_spent(1)));
    let verdict = world.session.check(&draft(CONVERSATION, "x"), world.now);
    assert_eq!(verdict.retry_at, Some(START - 600_000 + 60_000));
    world.pass(59_999);
    assert!(!world.session.check(&draft(CONVERSATION, "x"), world.now).allowed);
    world.pass(1);
    assert!(world.session.check(&draft(CONVERSATION, "x"), world.now).allowed);
}

#[test]
fn who_chose_to_wait_is_sent_when_the_limit_lifts() {
    let mut world = hour_is_spent();
    let turn = world.act(|session, at| session.send(&patient("Later"), at)).unwrap();
    assert_eq!(world.conversation(CONVERSATION).queue[0].id, turn);
    assert_eq!(world.storage.len(), 1);
    world.pass(59_999);
    assert!(world.wire.is_empty());
    world.pass(1);
    assert!(world.on_wire("/chat").body.unwrap().contains(&turn));
}

#[test]
fn a_waiting_message_can_be_taken_back() {
    let mut world = hour_is_spent();
    let turn = world.act(|session, at| session.send(&patient("Later"), at)).unwrap();
    assert_eq!(
        world.act(|session, at| session.take_back(&turn, at)).as_deref(),
        Some("Later")
    );
    assert!(world.storage.is_empty() && world.conversation(CONVERSATION).queue.is_empty());
    world.pass(120_000);
    assert!(world.wire.is_empty());
}

#[test]
fn the_server_refuses_and_nothing_is_tried_again() {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    let turn = world.send(CONVERSATION, "Hello");
    world.reply("/chat", 429, &denied(START + 60_000));
    let message = world.conversation(CONVERSATION).messages[0].clone();
    assert_eq!(message.status, ChatMessageStatus::Failed);
    assert_eq!(message.error.unwrap().verdict.unwrap().retry_at, Some(START + 60_000));
    let stats = world.account().usage_stats.unwrap();
    assert_eq!((stats.messages_held, stats.messages_remaining_this_hour), (0, 0));
    assert_eq!(stats.hour_frees_at, Some(START + 60_000));
    world.pass(120_000);
    assert!(world.wire.is_empty());
    assert_eq!(
        world.act(|session, at| session.take_back(&turn, at)).as_deref(),
        Some("Hello")
    );
}

#[test]
fn the_server_refuses_who_chose_to_wait_and_it_waits() {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    let turn = world.act(|session, at| session.send(&patient("Hello"), at)).unwrap();
    world.reply("/chat", 429, &denied(START + 60_000));
    assert_eq!(world.conversation(CONVERSATION).queue[0].id, turn);
    world.pass(60_000);
    assert!(world.on_wire("/chat").body.unwrap().contains(&turn));
}

#[test]
fn two_sends_cannot_both_spend_the_last_place() {
    let mut world = World::new(options());
    world.give_token(token(USER));
    world.reply(
        "quota_status",
        200,
        &status(with(spent(1, 99, &[]), json!({ "hourFreesAt": [START + 60_000] }))),
    );
    world.send(CONVERSATION, "The last");
    let error = world
        .act(|session, at| session.send(&draft(CONVERSATION, "One too many"), at))
        .unwrap_err();
    assert_eq!(error.verdict.unwrap().reason, Some(LimitName::MessagesPerHour));
}

#[test]
fn without_figures_the_server_decides_unless_a_tier_is_assumed() {
    let world = World::new(options());
    let verdict = world.session.check(&draft(CONVERSATION, "x"), world.now);
    assert!(verdict.allowed && verdict.is_fallback);

    let mut free = options();
    free.default_tier = Some(production_chat::license::Tier::Free);
    let world = World::new(free);
    let draft = Draft {
        files: Some(1),
        ..draft(CONVERSATION, "x")
    };
    let verdict = world.session.check(&draft, world.now);
    assert!(!verdict.allowed && verdict.is_fallback);
    assert_eq!(verdict.reason, Some(LimitName::FileUploadsNotAllowed));
}

#[test]
fn switched_off_the_browser_refuses_nothing() {
    let mut off = options();
    off.enforce_limits = Some(false);
    let mut world = World::new(off);
    world.give_token(token(USER));
    world.reply("quota_status", 200, &status(hour_spent(1)));
    world.send(CONVERSATION, "The server decides");
    world.on_wire("/chat");
}

#[test]
fn what_cannot_be_sent_says_which_field() {
    let mut world = World::ready();
    let mut pointer = |draft: Draft| {
        let error = world.act(|session, at| session.send(&draft, at)).unwrap_err();
        assert_eq!(error.code, ChatErrorCode::InvalidRequest);
        error.errors[0].pointer.clone()
    };
    assert_eq!(pointer(draft("x", "Hello")), "/conversationId");
    assert_eq!(pointer(draft(CONVERSATION, " \n")), "/text");
    assert_eq!(pointer(draft(CONVERSATION, &"ü".repeat(8_001))), "/text");
}

#[test]
fn a_price_that_is_none_is_refused_at_the_start() {
    let mut wrong = options();
    wrong.cost_per_1k_tokens = Some(-1.0);
    let error = production_chat::session::Session::new(&wrong, true).err().unwrap();
    assert_eq!(error.errors[0].pointer, "/costPer1kTokens");
}
