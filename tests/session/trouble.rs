//! What goes wrong on the way: lost replies, torn streams, nonsense, servers in trouble.

use production_chat::problem::ChatErrorCode;
use production_chat::session::{ChatMessageStatus, ConversationStatus, Input};
use serde_json::json;

use crate::world::*;

pub fn sending() -> (World, String) {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    let turn = world.send(CONVERSATION, "Hello");
    (world, turn)
}

fn code(world: &World) -> Option<ChatErrorCode> {
    world.conversation(CONVERSATION).head.error.map(|error| error.code)
}

#[test]
fn a_lost_send_goes_again_by_itself_under_the_same_id() {
    let (mut world, turn) = sending();
    let first = world.on_wire("/chat").body;
    world.lose("/chat");
    assert_eq!(
        world.conversation(CONVERSATION).messages[0].status,
        ChatMessageStatus::Sending
    );
    world.pass(31_000);
    assert_eq!(world.on_wire("/chat").body, first);
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    world.say(stream, &done(CONVERSATION, &turn, 2, "Hi", 3));
    assert_eq!(world.conversation(CONVERSATION).messages.len(), 2);
}

#[test]
fn after_the_retries_the_message_has_failed_and_can_be_retried_or_discarded() {
    let (mut world, turn) = sending();
    for _ in 0..6 {
        world.lose("/chat");
        world.pass(31_000);
    }
    let shown = world.conversation(CONVERSATION);
    assert_eq!(shown.head.status, ConversationStatus::Error);
    assert_eq!(shown.messages[0].status, ChatMessageStatus::Failed);
    let error = shown.messages[0].error.clone().unwrap();
    assert_eq!((error.code, error.retryable), (ChatErrorCode::Network, true));
    assert_eq!(
        world.account().usage_stats.unwrap().messages_held,
        0,
        "the hold went back"
    );
    assert_eq!(world.storage.len(), 1, "and the text is kept");

    world.act(|session, at| session.retry(&turn, at)).unwrap();
    assert!(
        world.on_wire("/chat").body.unwrap().contains(&turn),
        "with the id it was born with"
    );
    world.act(|session, at| session.stop(CONVERSATION, at));
    world.reply(
        "/chat",
        400,
        &problem(
            "invalid_request",
            400,
            json!({ "errors": [{ "pointer": "/content", "detail": "Too long." }] }),
        ),
    );
    assert_eq!(
        world.conversation(CONVERSATION).head.error.unwrap().message,
        "Too long."
    );
    assert_eq!(
        world.act(|session, at| session.take_back(&turn, at)).as_deref(),
        Some("Hello")
    );
    assert!(world.storage.is_empty());
    assert!(world.conversation(CONVERSATION).messages.is_empty());
}

#[test]
fn retry_after_comes_before_backoff() {
    let (mut world, _) = sending();
    let body = problem("unavailable", 503, json!({})).to_string();
    world.reply_text("/chat", 503, Some("100"), &body);
    world.pass(99_000);
    assert!(world.wire.is_empty());
    world.pass(1_000);
    world.on_wire("/chat");
}

#[test]
fn a_server_that_asks_for_hours_is_not_waited_for() {
    let (mut world, _) = sending();
    world.reply_text("/chat", 429, Some("77995"), "{\"code\":\"quota_exc");
    assert!(world.wire.iter().all(|request| request.path != "/chat"));
    let conversation = world.conversation(CONVERSATION);
    assert_eq!(conversation.messages[0].status, ChatMessageStatus::Failed);
    let error = conversation.head.error.unwrap();
    assert!(error.retryable);
    assert_eq!(error.retry_at, Some(world.now + 77_995_000));
}

#[test]
fn offline_pauses_and_online_resumes_without_counting_attempts() {
    let (mut world, _) = sending();
    world.feed(Input::Online(false));
    world.lose("/chat");
    world.pass(3_600_000);
    assert!(world.wire.is_empty());
    assert!(!world.account().is_online);
    world.feed(Input::Online(true));
    world.on_wire("/chat");
}

#[test]
fn a_torn_stream_resumes_from_the_byte_it_has() {
    let (mut world, turn) = sending();
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    world.say(stream, &delta(&turn, 0, "Grüße"));
    world.end(stream);
    world.pass(1_000);
    let path = format!("/chat/turns/{turn}?after=7");
    assert_eq!(world.on_wire("/chat").path, path);
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    // The server may say again what is here already.
    world.say(stream, &delta(&turn, 2, "üße"));
    world.say(stream, &delta(&turn, 2, "üße an"));
    world.say(stream, &delta(&turn, 10, " alle"));
    assert_eq!(world.conversation(CONVERSATION).messages[1].content, "Grüße an alle");
    world.say(stream, &done(CONVERSATION, &turn, 2, "Grüße an alle", 3));
    assert_eq!(world.conversation(CONVERSATION).head.status, ConversationStatus::Ready);
    assert!(world.storage.is_empty());
}

#[test]
fn a_gap_in_the_answer_is_read_again() {
    let (mut world, turn) = sending();
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    world.say(stream, &delta(&turn, 0, "one"));
    world.say(stream, &delta(&turn, 9, "four"));
    world.pass(1_000);
    assert!(world.on_wire("/chat").path.ends_with("?after=3"));
    assert_eq!(world.aborted, [stream]);
}

#[test]
fn a_stream_that_falls_silent_is_dead() {
    let (mut world, turn) = sending();
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    world.pass(40_000);
    world.say(stream, ": keep-alive\n\n");
    world.pass(44_000);
    assert!(world.aborted.is_empty());
    world.pass(2_000);
    assert_eq!(world.aborted, [stream]);
    world.on_wire("/chat/turns/");
}

#[test]
fn a_failed_provider_gives_the_hold_back_and_the_message_can_be_retried() {
    let (mut world, turn) = sending();
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    let failed = problem(
        "provider_unavailable",
        503,
        json!({ "refundedMicroUsd": 900, "usage": spent(3, 0, &[]) }),
    );
    world.say(stream, &event("error", failed));
    let message = world.conversation(CONVERSATION).messages[0].clone();
    assert_eq!(message.status, ChatMessageStatus::Failed);
    assert_eq!(message.refunded_micro_usd, Some(900));
    assert_eq!(code(&world), Some(ChatErrorCode::ProviderUnavailable));
    assert_eq!(world.account().usage_stats.unwrap().messages_remaining, 500);
    world.reply("get_messages_paginated", 200, &page(CONVERSATION, vec![], false));
    assert_eq!(
        world.conversation(CONVERSATION).messages.len(),
        1,
        "shown once, from the outbox"
    );

    world.act(|session, at| session.retry(&turn, at)).unwrap();
    world.on_wire("/chat");
    assert_eq!(code(&world), None);
}

#[test]
fn an_older_usage_never_overwrites_a_newer_one() {
    let (mut world, turn) = sending();
    world.act(|session, at| session.refetch_account(at));
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 5));
    world.say(stream, &done(CONVERSATION, &turn, 2, "Hi", 6));
    world.reply("quota_status", 200, &status(usage(4)));
    assert_eq!(world.account().usage_stats.unwrap().messages_remaining, 499);
}

#[test]
fn nonsense_is_an_error_and_never_a_panic() {
    let nonsense = [
        "",
        "null",
        "[]",
        "{",
        "{}",
        "\"",
        "{\"usage\":1}",
        "{\"usage\":{\"version\":-1}}",
        "<html>",
        "\u{0}",
        "{\"a\":1e999}",
    ];
    for body in nonsense {
        let mut world = World::new(options());
        world.give_token(token(USER));
        world.act(|session, at| session.open(CONVERSATION, at));
        // One server gives nothing but nonsense: after a row of it, one request at a time probes.
        for _ in 0..20 {
            for path in ["quota_status", "list_conversations", "get_messages_paginated"] {
                if world.paths().iter().any(|it| it.contains(path)) {
                    world.reply_text(path, 200, None, body);
                }
            }
            world.pass(31_000);
        }
        assert_eq!(
            world.account().error.unwrap().code,
            ChatErrorCode::MalformedReply,
            "{body}"
        );
        assert_eq!(code(&world), Some(ChatErrorCode::MalformedReply), "{body}");
        for status in [400, 401, 404, 409, 429, 500, 503] {
            let (mut world, _) = sending();
            world.reply_text("/chat", status, Some("soon"), body);
            world.conversation(CONVERSATION);
        }
        for name in ["accepted", "delta", "done", "error", "more"] {
            let (mut world, _) = sending();
            let text = format!("event: {name}\ndata: {body}\n\n");
            world.open_stream("/chat", &text);
            world.pass(100);
        }
    }
}

#[test]
fn a_stream_of_nonsense_ends_as_a_malformed_reply() {
    let (mut world, _) = sending();
    for _ in 0..6 {
        world.open_stream("/chat", "event: delta\ndata: {}\n\n");
        world.pass(31_000);
    }
    assert_eq!(code(&world), Some(ChatErrorCode::MalformedReply));
    assert!(world.wire.iter().all(|request| !request.path.contains("/chat")));
}

#[test]
fn events_of_another_turn_or_conversation_are_refused() {
    let (mut world, turn) = sending();
    world.open_stream(
        "/chat",
        &accepted("44444444-4444-4444-8444-444444444444", &turn, 1, "Hello", 9),
    );
    assert_eq!(
        world.conversation(CONVERSATION).messages[0].status,
        ChatMessageStatus::Sending
    );
    world.pass(1_000);
    world.open_stream(
        "/chat",
        &accepted(CONVERSATION, "55555555-5555-4555-8555-555555555555", 1, "Hello", 9),
    );
    assert_eq!(
        world.conversation(CONVERSATION).messages[0].status,
        ChatMessageStatus::Sending
    );
}

#[test]
fn disposed_of_it_does_nothing_any_more() {
    let (mut world, _) = sending();
    let id = world.on_wire("/chat").id;
    world.act(|session, _| session.dispose());
    assert_eq!(world.aborted, [id]);
    world.feed(Input::StreamOpened(id));
    world.feed(Input::Chunk(id, b"event: done\ndata: {}\n\n".to_vec()));
    world.feed(Input::Timeout);
    world.act(|session, at| session.open(CONVERSATION, at));
    world.act(|session, at| session.refetch_account(at));
    let error = world
        .act(|session, at| session.send(&draft(CONVERSATION, "late"), at))
        .unwrap_err();
    assert_eq!(error.code, ChatErrorCode::Disposed);
    assert!(world.wire.is_empty());
    assert_eq!(world.session.next_timeout(), None);
}

#[test]
fn a_stream_in_trouble_is_read_again_and_the_turn_lives() {
    let (mut world, turn) = sending();
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    world.say(stream, &event("error", problem("unavailable", 503, json!({}))));
    assert_eq!(
        world.conversation(CONVERSATION).messages[0].status,
        ChatMessageStatus::Sent
    );
    world.pass(1_000);
    let stream = world.open_stream("/chat/turns/", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    world.say(stream, &done(CONVERSATION, &turn, 2, "Hi", 3));
    assert_eq!(world.conversation(CONVERSATION).messages.len(), 2);
}

#[test]
fn a_stream_that_is_accepted_and_breaks_for_ever_ends_after_the_retries() {
    let (mut world, turn) = sending();
    let mut path = "/chat";
    for _ in 0..6 {
        let stream = world.open_stream(path, &accepted(CONVERSATION, &turn, 1, "Hello", 2));
        world.say(stream, &event("error", problem("internal", 500, json!({}))));
        world.pass(31_000);
        path = "/chat/turns/";
    }
    assert_eq!(code(&world), Some(ChatErrorCode::Internal));
    // What the server has after all is found by reading: the turn had settled.
    let settled = vec![
        answer(CONVERSATION, &turn, ANSWER, 2, "Hi"),
        user_message(CONVERSATION, &turn, 1, "Hello"),
    ];
    world.reply("get_messages_paginated", 200, &page(CONVERSATION, settled, false));
    assert_eq!(code(&world), None);
    assert_eq!(world.conversation(CONVERSATION).messages.len(), 2);
    assert!(world.storage.is_empty());
}

#[test]
fn a_server_that_fails_and_fails_is_probed_by_one_request_until_it_answers() {
    let mut world = World::new(options());
    world.give_token(token(USER));
    world.act(|session, at| session.open(CONVERSATION, at));
    let fail_all = |world: &mut World| {
        let ids: Vec<_> = world.wire.iter().map(|request| request.id).collect();
        world.wire.clear();
        for id in ids {
            world.feed(Input::Lost(id));
        }
    };
    fail_all(&mut world);
    world.pass(500);
    fail_all(&mut world);
    world.pass(25_000);
    assert!(world.wire.is_empty(), "five in a row: it is left alone");
    assert_eq!(code(&world), Some(ChatErrorCode::Network), "and that is said");
    world.pass(6_000);
    assert_eq!(world.wire.len(), 1, "a probe: {:?}", world.paths());
    let path = world.paths()[0].to_owned();
    if path.contains("quota") {
        world.reply(&path, 200, &status(usage(1)));
    } else if path.contains("list") {
        world.reply(&path, 200, &json!({ "conversations": [], "hasMore": false }));
    } else {
        world.reply(&path, 200, &page(CONVERSATION, vec![], false));
    }
    world.pass(1);
    assert_eq!(world.wire.len(), 2, "it answers: the others go at once");
}

#[test]
fn a_date_to_retry_after_is_of_the_servers_clock() {
    let mut world = World::new(options());
    // This machine is ten minutes behind the server, whose clock says 15:06:40.
    world.now = START - 600_000;
    world.give_token(token(USER));
    world.reply("quota_status", 200, &status(usage(1)));
    let body = problem("unavailable", 503, json!({})).to_string();
    world.reply_text("list_conversations", 503, Some("Sun, 15 Jun 2025 15:07:40 GMT"), &body);
    world.pass(59_000);
    assert!(world.wire.is_empty());
    world.pass(1_000);
    world.on_wire("list_conversations");
}

#[test]
fn what_a_problem_says_of_waiting_counts_where_the_header_cannot_be_seen() {
    let (mut world, _) = sending();
    world.reply("/chat", 503, &problem("unavailable", 503, json!({ "retryAfter": 100 })));
    world.pass(99_000);
    assert!(world.wire.is_empty());
    world.pass(1_000);
    world.on_wire("/chat");
}
