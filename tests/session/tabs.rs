//! What the tabs of one browser know of each other, told from sessions of the simulator.

use production_chat::session::{ChatMessageStatus, Input};
use serde_json::json;

use crate::world::*;

/// What one tab tells reaches the other.
fn hear(from: &mut World, to: &mut World) {
    for text in std::mem::take(&mut from.told) {
        to.feed(Input::Tab(text));
    }
}

fn two_tabs() -> (World, World) {
    (World::neighbour(1), World::neighbour(2))
}

fn with_one_place_left(mut world: World) -> World {
    let last = with(spent(2, 99, &[]), json!({ "hourFreesAt": [START + 60_000] }));
    world.act(|session, at| session.refetch_account(at));
    world.reply("quota_status", 200, &status(last));
    let empty = json!({ "conversations": [], "hasMore": false });
    world.reply("list_conversations", 200, &empty);
    world.told.clear();
    world
}

#[test]
fn two_tabs_cannot_both_spend_the_last_place() {
    let (first, second) = two_tabs();
    let (mut first, mut second) = (with_one_place_left(first), with_one_place_left(second));
    first.send(CONVERSATION, "The last one");
    assert!(second.session.check(&draft(CONVERSATION, "x"), second.now).allowed);
    hear(&mut first, &mut second);
    assert!(!second.session.check(&draft(CONVERSATION, "x"), second.now).allowed);
}

#[test]
fn what_a_frozen_tab_had_in_flight_lapses() {
    let (first, second) = two_tabs();
    let (mut first, mut second) = (with_one_place_left(first), with_one_place_left(second));
    first.send(CONVERSATION, "The last one");
    hear(&mut first, &mut second);
    // Well before the hour frees a place of its own.
    second.now = START;
    second.pass(59_000);
    assert!(!second.session.check(&draft(CONVERSATION, "x"), second.now).allowed);
    assert!(second.session.next_timeout().is_some_and(|at| at <= START + 120_000));
    second.pass(62_000);
    assert_eq!(second.account().usage_stats.unwrap().messages_held, 0);
}

#[test]
fn what_a_tab_had_in_flight_counts_no_more_once_the_tab_is_gone() {
    let (mut first, mut second) = two_tabs();
    first.send(CONVERSATION, "Hello");
    hear(&mut first, &mut second);
    assert_eq!(second.account().usage_stats.unwrap().messages_held, 1);
    let stored: serde_json::Value = serde_json::from_str(first.storage.values().next().unwrap()).unwrap();
    second.feed(Input::TabEnded(stored["ownerTab"].as_str().unwrap().to_owned()));
    assert_eq!(second.account().usage_stats.unwrap().messages_held, 0);
}

#[test]
fn what_a_living_tab_stored_is_that_tabs_to_send() {
    let mut first = World::ready();
    let turn = first.send(CONVERSATION, "Mine");
    let owner: serde_json::Value = serde_json::from_str(first.storage.values().next().unwrap()).unwrap();
    let mut second = World::neighbour(8);
    second.storage = first.storage.clone();
    // A third tab has ended, and the second looks for what it left.
    second.feed(Input::TabEnded("a third".to_owned()));
    second.pass(60_000);
    assert!(second.paths().iter().all(|path| !path.contains("/chat")));
    assert_eq!(second.account().unsent_count, 0);

    second.feed(Input::TabEnded(owner["ownerTab"].as_str().unwrap().to_owned()));
    assert!(second.on_wire("/chat").body.unwrap().contains(&turn), "the tab is gone");
}

#[test]
fn signing_out_in_one_tab_clears_the_other() {
    let (mut first, mut second) = two_tabs();
    second.send(CONVERSATION, "Unsent");
    first.act(|session, _| session.sign_out());
    hear(&mut first, &mut second);
    assert_eq!(second.account().user_id, None);
    assert_eq!(second.account().unsent_count, 0);
}

#[test]
fn a_page_of_before_says_nothing_of_a_turn_released_since() {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    let turn = world.send(CONVERSATION, "Hello");
    world.act(|session, at| session.refetch(CONVERSATION, at));
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    world.say(stream, &event("error", problem("provider_unavailable", 503, json!({}))));
    world.reply("get_messages_paginated", 200, &page(CONVERSATION, vec![], false));
    let shown = world.conversation(CONVERSATION);
    assert_eq!(
        shown.messages[0].status,
        ChatMessageStatus::Failed,
        "it waits for the person"
    );
    assert_eq!(world.storage.len(), 1);
}

#[test]
fn nothing_is_sent_to_what_is_being_deleted() {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    world.feed(Input::Online(false));
    world.act(|session, at| session.delete_conversation(CONVERSATION, at));
    let late = world.act(|session, at| session.send(&draft(CONVERSATION, "Late"), at));
    assert!(late.is_err(), "it would be lost with the conversation");
}

#[test]
fn a_new_conversation_that_may_have_reached_the_server_is_deleted_there_too() {
    let mut world = World::ready();
    let id = world.act(|session, at| session.new_conversation(None, at));
    world.send(&id, "First");
    world.lose("/chat");
    world.act(|session, at| session.delete_conversation(&id, at));
    world.reply("delete_conversation", 200, &json!({ "deleted": false }));
    // Its message was still on its way, and has made it.
    world.pass(30_000);
    assert!(!world.paths().contains(&"/chat"), "it is not sent again");
    world.reply("delete_conversation", 200, &json!({ "deleted": true }));
    assert!(world.storage.is_empty());
    assert!(!world.paths().iter().any(|path| path.contains("delete_conversation")));
}

#[test]
fn a_new_conversation_that_nobody_heard_of_is_gone_at_once() {
    let mut world = World::ready();
    let id = world.act(|session, at| session.new_conversation(None, at));
    world.feed(Input::Online(false));
    world.send(&id, "First");
    world.act(|session, at| session.delete_conversation(&id, at));
    assert!(world.storage.is_empty());
    world.feed(Input::Online(true));
    assert!(!world.paths().iter().any(|path| path.contains("delete_conversation")));
}

#[test]
fn a_proxys_page_deletes_nothing() {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    world.act(|session, at| session.delete_conversation(CONVERSATION, at));
    for _ in 0..6 {
        world.reply_text(
            "delete_conversation",
            200,
            None,
            "<html>Sign in to the hotel's network</html>",
        );
        world.pass(31_000);
    }
    let listed = world.account().conversations;
    assert_eq!(listed.len(), 1, "it is there again");
}

#[test]
fn a_reply_that_never_comes_is_waited_for_a_minute() {
    let mut world = World::ready();
    let turn = world.send(CONVERSATION, "Hello");
    let id = world.on_wire("/chat").id;
    world.pass(59_999);
    assert!(world.aborted.is_empty());
    world.pass(1_000);
    assert_eq!(world.aborted, [id]);
    assert!(world.on_wire("/chat").body.unwrap().contains(&turn), "and goes again");
}

#[test]
fn an_app_that_has_no_token_at_first_is_asked_again() {
    let mut world = World::new(options());
    let ask = world.ask;
    world.feed(Input::TokenFailed(ask, "away".to_owned()));
    world.pass(1_000);
    assert!(world.ask > ask);
    world.give_token(token(USER));
    world.on_wire("quota_status");
}

#[test]
fn a_message_that_becomes_sent_is_another_to_whoever_shows_it() {
    let mut world = World::ready();
    let turn = world.send(CONVERSATION, "Hello");
    let before = world.conversation(CONVERSATION).messages[0].clone();
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    let sent = world.conversation(CONVERSATION).messages[0].clone();
    world.say(stream, &done(CONVERSATION, &turn, 2, "Hi", 3));
    let complete = world.conversation(CONVERSATION).messages[0].clone();
    let statuses = [before.status, sent.status, complete.status];
    assert_eq!(
        statuses,
        [
            ChatMessageStatus::Sending,
            ChatMessageStatus::Sent,
            ChatMessageStatus::Complete
        ]
    );
    assert!(before.version != sent.version && sent.version != complete.version);
}

#[test]
fn what_storage_did_not_take_waits_for_its_user() {
    let mut world = World::ready();
    world.is_full = true;
    world.feed(Input::Online(false));
    let turn = world.send(CONVERSATION, "Mine");
    world.act(|session, _| session.access_token_changed());
    world.give_token(token("99999999-9999-4999-8999-999999999999"));
    assert_eq!(
        world.account().unsent_count,
        0,
        "nothing of it is shown to somebody else"
    );
    world.act(|session, _| session.access_token_changed());
    world.give_token(token(USER));
    world.feed(Input::Online(true));
    assert!(world.on_wire("/chat").body.unwrap().contains(&turn));
}

#[test]
fn a_tab_sends_what_was_typed_in_it_and_what_a_closed_one_left() {
    let (mut first, mut second) = two_tabs();
    first.send(CONVERSATION, "First");
    let waiting = first.send(CONVERSATION, "Second");
    second.storage = first.storage.clone();
    second.act(|session, _| session.access_token_changed());
    let stored = second.storage.clone().into_iter().collect();
    second.feed(Input::Stored(stored));
    assert!(second.wire.is_empty(), "it is the other's to send");
    let stored: serde_json::Value = serde_json::from_str(first.storage.values().next().unwrap()).unwrap();
    second.give_token(token(USER));
    second.feed(Input::TabEnded(stored["ownerTab"].as_str().unwrap().to_owned()));
    second.on_wire("/chat");
    assert_eq!(second.conversation(CONVERSATION).queue[0].id, waiting);
}

#[test]
fn a_refund_in_one_tab_is_known_in_the_other() {
    let (mut first, mut second) = two_tabs();
    let turn = first.send(CONVERSATION, "Hello");
    let stream = first.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    hear(&mut first, &mut second);
    assert_eq!(second.account().usage_stats.unwrap().messages_held, 1);
    let released = problem("provider_unavailable", 503, json!({ "usage": spent(3, 0, &[]) }));
    first.say(stream, &event("error", released));
    hear(&mut first, &mut second);
    assert_eq!(second.account().usage_stats.unwrap().messages_held, 0);
}
