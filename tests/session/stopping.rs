//! Stopping a turn: one the server has, one that never left, and one of which it is not known.

use production_chat::session::{ChatMessage, ChatMessageStatus, ConversationStatus, Input};
use serde_json::{Value, json};

use crate::world::*;

const OTHER: &str = "66666666-6666-7666-8666-666666666666";

fn reading() -> World {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    world
}

fn sending() -> (World, String) {
    let mut world = reading();
    let turn = world.send(CONVERSATION, "First");
    (world, turn)
}

/// Its request went out, no reply came, and it waits for another try.
fn unheard_of() -> (World, String) {
    let (mut world, turn) = sending();
    world.lose("/chat");
    assert!(world.wire.is_empty());
    (world, turn)
}

fn stop(world: &mut World) {
    world.act(|session, at| session.stop(CONVERSATION, at));
}

/// The one message on its way.
fn shown(world: &World) -> ChatMessage {
    let shown = world.conversation(CONVERSATION);
    let mut all = shown.messages.into_iter().chain(shown.queue);
    let first = all.next().unwrap();
    assert_eq!(all.next(), None);
    first
}

fn deny(world: &mut World) {
    world.reply("/stop", 404, &problem("not_found", 404, json!({})));
}

fn is_unsent(world: &mut World, turn: &str) {
    let message = shown(world);
    assert_eq!(message.status, ChatMessageStatus::Failed);
    assert_eq!(message.error.unwrap().message, "Stopped before it was sent.");
    assert_eq!(
        world.act(|session, at| session.take_back(turn, at)).as_deref(),
        Some("First")
    );
    assert!(world.storage.is_empty());
    assert!(!world.paths().contains(&"/chat"));
}

fn stopped_reply(turn_id: &str, state: &str) -> Value {
    json!({ "turn": turn(turn_id, CONVERSATION, state), "usage": spent(3, 0, &[turn_id]) })
}

/// The server has it: it is read to its end, and shown once.
fn is_read_to_its_end(world: &mut World, turn_id: &str) {
    let stream = world.open_stream(
        &format!("/chat/turns/{turn_id}?after=0"),
        &accepted(CONVERSATION, turn_id, 1, "First", 4),
    );
    let stopped = with(
        answer(CONVERSATION, turn_id, ANSWER, 2, "Half"),
        json!({ "status": "stopped" }),
    );
    let done = json!({ "turn": turn(turn_id, CONVERSATION, "settled"), "message": stopped, "usage": spent(5, 1, &[]) });
    world.say(stream, &event("done", done));
    let shown = world.conversation(CONVERSATION);
    let statuses: Vec<_> = shown.messages.iter().map(|it| it.status).collect();
    assert_eq!(statuses, [ChatMessageStatus::Complete, ChatMessageStatus::Stopped]);
    assert!(world.storage.is_empty());
    assert!(!world.paths().contains(&"/chat"));
}

#[test]
fn stopping_keeps_what_has_arrived() {
    let (mut world, turn) = sending();
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "First", 2));
    world.say(stream, &delta(&turn, 0, "Half"));
    world.act(|session, at| session.stop(CONVERSATION, at));
    world.act(|session, at| session.stop(CONVERSATION, at));
    assert_eq!(world.on_wire("/stop").path, format!("/chat/turns/{turn}/stop?"));
    world.reply("/stop", 200, &stopped_reply(&turn, "dispatched"));
    let stopped = with(
        answer(CONVERSATION, &turn, ANSWER, 2, "Half"),
        json!({ "status": "stopped" }),
    );
    let done =
        json!({ "turn": stopped_reply(&turn, "settled")["turn"], "message": stopped, "usage": spent(4, 1, &[]) });
    world.say(stream, &event("done", done));
    let shown = world.conversation(CONVERSATION);
    assert_eq!(shown.head.status, ConversationStatus::Ready);
    assert_eq!(
        (shown.messages[1].content.as_str(), shown.messages[1].status),
        ("Half", ChatMessageStatus::Stopped)
    );
}

#[test]
fn stopping_before_it_is_accepted_stops_when_it_is() {
    let (mut world, turn) = sending();
    world.act(|session, at| session.stop(CONVERSATION, at));
    assert_eq!(world.paths(), ["/chat"]);
    world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "First", 2));
    world.on_wire("/stop");
}

#[test]
fn stopping_what_has_not_left_keeps_it_here() {
    let mut world = reading();
    world.feed(Input::Online(false));
    let turn = world.send(CONVERSATION, "First");
    world.act(|session, at| session.stop(CONVERSATION, at));
    assert_eq!(
        world.conversation(CONVERSATION).messages[0].status,
        ChatMessageStatus::Failed
    );
    world.feed(Input::Online(true));
    assert!(!world.paths().contains(&"/chat"));
    assert_eq!(
        world.act(|session, at| session.take_back(&turn, at)).as_deref(),
        Some("First")
    );
}

#[test]
fn what_may_have_arrived_is_asked_about_twice_before_it_is_called_unsent() {
    let (mut world, turn) = unheard_of();
    stop(&mut world);
    assert_eq!(shown(&world).status, ChatMessageStatus::Stopping);
    assert_eq!(
        world.paths(),
        [format!("/chat/turns/{turn}/stop?")],
        "and it is not sent again"
    );
    deny(&mut world);
    stop(&mut world);
    assert!(world.wire.is_empty(), "its request may still be on its way");
    assert_eq!(shown(&world).status, ChatMessageStatus::Stopping);
    assert_eq!(world.act(|session, at| session.take_back(&turn, at)), None);
    world.pass(30_000);
    deny(&mut world);
    is_unsent(&mut world, &turn);
}

#[test]
fn what_has_arrived_after_all_is_stopped_where_it_is() {
    let (mut world, turn) = unheard_of();
    stop(&mut world);
    deny(&mut world);
    world.pass(30_000);
    world.reply("/stop", 200, &stopped_reply(&turn, "dispatched"));
    is_read_to_its_end(&mut world, &turn);
}

#[test]
fn what_is_lost_while_it_is_to_be_stopped_is_not_sent_again() {
    for unavailable in [false, true] {
        let (mut world, turn) = sending();
        stop(&mut world);
        assert_eq!(world.paths(), ["/chat"], "its reply may tell");
        if unavailable {
            world.reply("/chat", 503, &problem("unavailable", 503, json!({})));
        } else {
            world.lose("/chat");
        }
        world.reply("/stop", 200, &stopped_reply(&turn, "settled"));
        is_read_to_its_end(&mut world, &turn);
    }
}

#[test]
fn a_stream_that_breaks_before_it_is_accepted_is_stopped_and_not_sent_again() {
    let (mut world, turn) = sending();
    stop(&mut world);
    let stream = world.open_stream("/chat", ": hello\n\n");
    world.end(stream);
    world.pass(30_000);
    world.reply("/stop", 200, &stopped_reply(&turn, "settled"));
    is_read_to_its_end(&mut world, &turn);
}

#[test]
fn a_busy_conversation_has_not_taken_it() {
    let (mut world, turn) = sending();
    stop(&mut world);
    world.reply(
        "/chat",
        409,
        &problem("conversation_busy", 409, json!({ "turnId": OTHER })),
    );
    is_unsent(&mut world, &turn);
}

#[test]
fn a_stop_waits_for_the_network_and_outlives_a_reload() {
    let (mut world, turn) = sending();
    world.feed(Input::Online(false));
    world.lose("/chat");
    stop(&mut world);
    assert_eq!(shown(&world).status, ChatMessageStatus::Stopping);
    assert!(world.wire.is_empty());
    assert!(world.storage.values().all(|text| text.contains("\"stopWanted\":true")));

    let mut world = World::with_storage(options(), world.storage).sign_in();
    assert_eq!(shown(&world).status, ChatMessageStatus::Stopping);
    world.reply("/stop", 200, &stopped_reply(&turn, "settled"));
    is_read_to_its_end(&mut world, &turn);
}

#[test]
fn a_stop_that_cannot_be_asked_for_claims_nothing() {
    let (mut world, turn) = unheard_of();
    stop(&mut world);
    for _ in 0..6 {
        if !world.wire.is_empty() {
            world.lose("/stop");
        }
        world.pass(31_000);
    }
    let message = shown(&world);
    assert_eq!(message.status, ChatMessageStatus::Failed);
    assert!(
        message
            .error
            .unwrap()
            .message
            .starts_with("The server could not be reached")
    );
    // Sent again it is like any other.
    world.act(|session, at| session.retry(&turn, at)).unwrap();
    assert_eq!(shown(&world).status, ChatMessageStatus::Sending);
    world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "First", 2));
    assert!(!world.paths().iter().any(|path| path.ends_with("/stop?")));
}

#[test]
fn a_queued_message_that_was_under_way_once_is_stopped_and_not_given_back() {
    let (mut world, turn) = sending();
    world.give_nobody();
    assert_eq!(shown(&world).status, ChatMessageStatus::Queued);
    assert_eq!(world.act(|session, at| session.take_back(&turn, at)), None);
    assert_eq!(shown(&world).status, ChatMessageStatus::Stopping);
    world.act(|session, _| session.access_token_changed());
    world.give_token(token(USER));
    deny(&mut world);
    world.pass(30_000);
    deny(&mut world);
    is_unsent(&mut world, &turn);
}

/// Every try of its request was lost.
fn given_up() -> (World, String) {
    let (mut world, turn) = sending();
    while shown(&world).status != ChatMessageStatus::Failed {
        if world.wire.is_empty() {
            world.pass(31_000);
        } else {
            world.lose("/chat");
        }
    }
    // Its endpoint is left alone for a while.
    world.pass(31_000);
    (world, turn)
}

#[test]
fn a_failed_message_that_may_have_arrived_is_not_given_back_before_the_server_has_denied_it() {
    let (mut world, turn) = given_up();
    assert_eq!(world.act(|session, at| session.take_back(&turn, at)), None);
    assert_eq!(shown(&world).status, ChatMessageStatus::Stopping);
    deny(&mut world);
    world.pass(30_000);
    deny(&mut world);
    is_unsent(&mut world, &turn);
}

#[test]
fn a_discarded_message_that_had_arrived_is_shown_as_sent() {
    let (mut world, turn) = given_up();
    assert_eq!(world.act(|session, at| session.take_back(&turn, at)), None);
    world.reply("/stop", 200, &stopped_reply(&turn, "settled"));
    world.pass(1);
    is_read_to_its_end(&mut world, &turn);
}

#[test]
fn what_a_proxy_refuses_may_have_arrived() {
    let (mut world, turn) = unheard_of();
    world.pass(31_000);
    world.reply("/chat", 403, &json!("Forbidden"));
    assert_eq!(shown(&world).status, ChatMessageStatus::Failed);
    assert_eq!(world.act(|session, at| session.take_back(&turn, at)), None);
    assert_eq!(shown(&world).status, ChatMessageStatus::Stopping);
}

#[test]
fn a_message_that_gave_way_is_given_back_at_once() {
    let (mut world, turn) = sending();
    world.reply(
        "/chat",
        409,
        &problem("conversation_busy", 409, json!({ "turnId": OTHER })),
    );
    let text = world.act(|session, at| session.take_back(&turn, at));
    assert_eq!(text.as_deref(), Some("First"));
}

#[test]
fn another_answer_of_which_nobody_knows_is_stopped_too() {
    let mut world = World::ready();
    let old = "77777777-7777-4777-8777-777777777777";
    let messages = vec![
        answer(CONVERSATION, OTHER, old, 2, "Old"),
        user_message(CONVERSATION, OTHER, 1, "Why?"),
    ];
    world.open(&page(CONVERSATION, messages, false));
    world.act(|session, at| session.regenerate(CONVERSATION, at)).unwrap();
    world.lose("/chat");
    stop(&mut world);
    deny(&mut world);
    world.pass(30_000);
    deny(&mut world);
    let shown = world.conversation(CONVERSATION);
    assert_eq!(
        (shown.messages.len(), shown.head.status),
        (2, ConversationStatus::Ready)
    );
    assert!(world.storage.is_empty());
}
