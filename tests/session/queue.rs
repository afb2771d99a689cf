//! One live turn per conversation: queueing, reloading, stopping, regenerating, other tabs.

use production_chat::session::{ChatMessageStatus, ConversationStatus, Input};
use serde_json::json;

use crate::world::*;

const OTHER: &str = "66666666-6666-7666-8666-666666666666";

fn sending() -> (World, String) {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    let turn = world.send(CONVERSATION, "First");
    (world, turn)
}

#[test]
fn a_second_message_waits_for_the_first_answer() {
    let (mut world, first) = sending();
    let second = world.send(CONVERSATION, "Second");
    let shown = world.conversation(CONVERSATION);
    assert_eq!((shown.messages.len(), shown.queue.len()), (1, 1));
    assert_eq!(shown.queue[0].status, ChatMessageStatus::Queued);
    assert_eq!(
        world.account().usage_stats.unwrap().messages_held,
        2,
        "both are set aside"
    );
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &first, 1, "First", 2));
    assert!(world.wire.is_empty());
    world.say(stream, &done(CONVERSATION, &first, 2, "Answer", 3));
    assert!(world.on_wire("/chat").body.unwrap().contains(&second));
    assert!(world.conversation(CONVERSATION).queue.is_empty());
}

#[test]
fn after_a_reload_what_was_under_way_goes_again_with_its_id() {
    let (world, turn) = sending();
    let mut world = World::with_storage(options(), world.storage).sign_in();
    let body = world.on_wire("/chat").body.unwrap();
    assert!(body.contains(&turn));
    // The server has it: it says so, and the stream is read from the start.
    world.reply(
        "/chat",
        409,
        &problem("turn_in_progress", 409, json!({ "turnId": turn })),
    );
    assert_eq!(world.on_wire("/chat").path, format!("/chat/turns/{turn}?after=0"));
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "First", 2));
    world.say(stream, &delta(&turn, 0, "All that was missed"));
    world.say(stream, &done(CONVERSATION, &turn, 2, "All that was missed", 3));
    assert!(world.storage.is_empty());
    let shown = world.conversation(CONVERSATION);
    assert_eq!(
        shown.messages.iter().map(|it| it.content.as_str()).collect::<Vec<_>>(),
        ["First", "All that was missed"]
    );
}

#[test]
fn after_the_clock_was_set_back_what_is_typed_goes_behind_what_was_kept() {
    for neighbour in [false, true] {
        let mut world = World::ready();
        world.now += 86_400_000;
        let first = world.send(CONVERSATION, "First");
        let mut world = World::with_storage(options(), world.storage);
        // Read all the same when a neighbour has still to send it.
        world.has_neighbour = neighbour;
        let mut world = world.sign_in();
        let second = world.send(CONVERSATION, "Second");
        assert!(second > first, "{second} after {first}");
    }
}

#[test]
fn after_a_reload_a_settled_turn_is_shown_once() {
    let (world, turn) = sending();
    let mut world = World::with_storage(options(), world.storage).sign_in();
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "First", 2));
    world.say(stream, &done(CONVERSATION, &turn, 2, "Answer", 3));
    world.end(stream);
    world.act(|session, at| session.open(CONVERSATION, at));
    world.reply(
        "get_messages_paginated",
        200,
        &page(
            CONVERSATION,
            vec![
                answer(CONVERSATION, &turn, ANSWER, 2, "Answer"),
                user_message(CONVERSATION, &turn, 1, "First"),
            ],
            false,
        ),
    );
    assert_eq!(world.conversation(CONVERSATION).messages.len(), 2);
}

#[test]
fn after_a_reload_a_live_turn_is_read_along() {
    let mut world = World::ready();
    let partial = with(
        answer(CONVERSATION, OTHER, ANSWER, 2, "Half of"),
        json!({ "status": "streaming" }),
    );
    let live = page(
        CONVERSATION,
        vec![partial, user_message(CONVERSATION, OTHER, 1, "Asked before")],
        false,
    );
    world.open(&with(live, json!({ "liveTurnId": OTHER })));
    let shown = world.conversation(CONVERSATION);
    assert_eq!(shown.head.status, ConversationStatus::Streaming);
    assert_eq!(shown.messages[0].status, ChatMessageStatus::Sent);
    assert_eq!(world.on_wire("/chat").path, format!("/chat/turns/{OTHER}?after=7"));
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, OTHER, 1, "Asked before", 2));
    world.say(stream, &delta(OTHER, 7, " it"));
    assert_eq!(world.conversation(CONVERSATION).messages[1].content, "Half of it");
    world.say(stream, &done(CONVERSATION, OTHER, 2, "Half of it", 3));
    assert_eq!(world.conversation(CONVERSATION).messages.len(), 2);
}

#[test]
fn a_busy_conversation_is_waited_for() {
    let (mut world, turn) = sending();
    world.reply(
        "/chat",
        409,
        &problem("conversation_busy", 409, json!({ "turnId": OTHER })),
    );
    assert_eq!(world.conversation(CONVERSATION).queue[0].id, turn);
    world.pass(1_000);
    let stream = world.open_stream(
        &format!("/chat/turns/{OTHER}"),
        &accepted(CONVERSATION, OTHER, 1, "Elsewhere", 2),
    );
    world.say(stream, &done(CONVERSATION, OTHER, 2, "Answer", 3));
    assert!(world.on_wire("/chat").body.unwrap().contains(&turn), "then it goes");
}

#[test]
fn a_conversation_that_stays_busy_is_not_asked_without_end() {
    let (mut world, _) = sending();
    for _ in 0..8 {
        if world.paths() == ["/chat"] {
            world.reply(
                "/chat",
                409,
                &problem("conversation_busy", 409, json!({ "turnId": OTHER })),
            );
        }
        world.pass(31_000);
        if world.paths().iter().any(|path| path.starts_with("/chat/turns/")) {
            world.reply("/chat/turns/", 404, &problem("not_found", 404, json!({})));
        }
        if world.paths().contains(&"/rest/v1/rpc/get_messages_paginated") {
            world.reply("get_messages_paginated", 200, &page(CONVERSATION, vec![], false));
        }
    }
    assert_eq!(
        world.conversation(CONVERSATION).messages[0].status,
        ChatMessageStatus::Failed
    );
}

#[test]
fn another_answer_takes_the_place_of_the_last() {
    let mut world = World::ready();
    let old = "77777777-7777-4777-8777-777777777777";
    world.open(&page(
        CONVERSATION,
        vec![
            answer(CONVERSATION, OTHER, old, 2, "Old"),
            user_message(CONVERSATION, OTHER, 1, "Why?"),
        ],
        false,
    ));
    let turn = world.act(|session, at| session.regenerate(CONVERSATION, at)).unwrap();
    assert!(world.on_wire("/chat").body.unwrap().contains("regenerate-message"));
    assert_eq!(
        world.conversation(CONVERSATION).messages.len(),
        1,
        "the old answer makes room"
    );

    let again = with(
        turn_of(&turn, "dispatched"),
        json!({ "trigger": "regenerate-message", "replacesSeq": 2 }),
    );
    let accepted = json!({ "turn": again, "conversation": conversation(CONVERSATION, 2), "userMessage": null, "from": 0,
        "usage": spent(2, 0, &[&turn]) });
    let stream = world.open_stream("/chat", &event("accepted", accepted));
    world.say(stream, &delta(&turn, 0, "New"));
    let again = with(
        turn_of(&turn, "settled"),
        json!({ "trigger": "regenerate-message", "replacesSeq": 2 }),
    );
    let done =
        json!({ "turn": again, "message": answer(CONVERSATION, &turn, ANSWER, 3, "New"), "usage": spent(3, 1, &[]) });
    world.say(stream, &event("done", done));
    let contents: Vec<String> = world
        .conversation(CONVERSATION)
        .messages
        .into_iter()
        .map(|it| it.content)
        .collect();
    assert_eq!(contents, ["Why?", "New"]);
    assert!(world.storage.is_empty() && world.wire.is_empty());
}

#[test]
fn when_another_answer_fails_the_old_one_is_there_again() {
    let mut world = World::ready();
    let old = "77777777-7777-4777-8777-777777777777";
    world.open(&page(
        CONVERSATION,
        vec![
            answer(CONVERSATION, OTHER, old, 2, "Old"),
            user_message(CONVERSATION, OTHER, 1, "Why?"),
        ],
        false,
    ));
    world.act(|session, at| session.regenerate(CONVERSATION, at)).unwrap();
    world.reply("/chat", 400, &problem("invalid_request", 400, json!({})));
    let shown = world.conversation(CONVERSATION);
    assert_eq!(shown.messages.len(), 2);
    assert_eq!(shown.head.status, ConversationStatus::Error);
    assert!(world.storage.is_empty());
}

#[test]
fn versions_change_with_what_is_seen_and_with_nothing_else() {
    let (mut world, turn) = sending();
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "First", 2));
    world.say(stream, &delta(&turn, 0, "a"));
    let before = world.conversation(CONVERSATION).messages;
    world.say(stream, &delta(&turn, 1, "b"));
    let after = world.conversation(CONVERSATION).messages;
    assert_eq!(before[0], after[0], "the question is the same object still");
    assert_ne!(before[1].version, after[1].version);
    world.say(stream, &done(CONVERSATION, &turn, 2, "ab", 3));
    let settled = world.conversation(CONVERSATION).messages;
    assert_ne!(after[0].version, settled[0].version, "sent became complete");
}

#[test]
fn tabs_share_usage_and_news() {
    let (mut world, turn) = sending();
    let mut tab = World::ready();
    tab.open(&page(CONVERSATION, vec![], false));
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "First", 2));
    for text in std::mem::take(&mut world.told) {
        tab.feed(Input::Tab(text));
    }
    assert_eq!(tab.account().usage_stats.unwrap().messages_remaining, 499);
    world.say(stream, &done(CONVERSATION, &turn, 2, "Answer", 3));
    for text in std::mem::take(&mut world.told) {
        tab.feed(Input::Tab(text));
    }
    tab.on_wire("get_messages_paginated");
    for text in ["", "{}", "nonsense", "{\"v\":9}"] {
        tab.feed(Input::Tab(text.to_owned()));
    }
}

#[test]
fn what_an_older_version_stored_is_set_aside() {
    let key = format!("production-chat:outbox:0:{USER}:{OTHER}");
    let storage = [(key.clone(), "{\"v\":0}".to_owned())].into();
    let world = World::with_storage(options(), storage).sign_in();
    assert!(!world.storage.contains_key(&key));
    assert_eq!(world.storage.values().collect::<Vec<_>>(), ["{\"v\":0}"]);
    assert!(world.wire.is_empty());
}

#[test]
fn what_a_newer_version_stored_is_left_for_it_until_its_user_signs_out() {
    let text = r#"{"v":9,"state":"in a new way"}"#;
    for version in [1, 9] {
        let key = format!("production-chat:outbox:{version}:{USER}:{OTHER}");
        let storage = std::collections::BTreeMap::from([(key, text.to_owned())]);
        let mut world = World::with_storage(options(), storage.clone()).sign_in();
        assert_eq!(world.storage, storage);
        assert!(world.wire.is_empty());
        world.act(|session, _| session.sign_out());
        assert!(world.storage.is_empty());
    }
}

fn turn_of(turn_id: &str, state: &str) -> serde_json::Value {
    turn(turn_id, CONVERSATION, state)
}

#[test]
fn a_failed_first_message_does_not_hide_what_came_after_it() {
    let mut world = World::ready();
    let id = world.act(|session, at| session.new_conversation(None, at));
    let first = world.send(&id, "First");
    let stream = world.open_stream("/chat", &accepted(&id, &first, 1, "First", 2));
    let released = problem(
        "provider_unavailable",
        503,
        json!({ "refundedMicroUsd": 9, "usage": usage(3) }),
    );
    world.say(stream, &event("error", released));
    assert!(
        world
            .storage
            .values()
            .all(|text| text.contains("\"newConversation\":false"))
    );

    // And when the crash came before that was known: the list tells.
    let stored = world.storage.into_iter();
    let storage = stored.map(|(key, text)| {
        (
            key,
            text.replace("\"newConversation\":false", "\"newConversation\":true"),
        )
    });
    let mut world = World::with_storage(options(), storage.collect());
    world.give_token(token(USER));
    world.act(|session, at| session.open(&id, at));
    assert!(!world.paths().contains(&"/rest/v1/rpc/get_messages_paginated"));
    world.reply(
        "list_conversations",
        200,
        &json!({ "conversations": [conversation(&id, 2)], "hasMore": false }),
    );
    let second = vec![
        answer(&id, OTHER, ANSWER, 4, "Yes"),
        user_message(&id, OTHER, 3, "Second"),
    ];
    world.reply("get_messages_paginated", 200, &page(&id, second, false));
    let contents: Vec<String> = world
        .conversation(&id)
        .messages
        .into_iter()
        .map(|it| it.content)
        .collect();
    assert_eq!(contents, ["Second", "Yes", "First"]);
}

#[test]
fn what_is_taken_back_in_one_tab_is_sent_by_none() {
    let (mut world, _) = sending();
    let second = world.send(CONVERSATION, "Second");
    let mut tab = World::with_storage(options(), world.storage.clone());
    tab.give_token(token(USER));
    assert_eq!(tab.conversation(CONVERSATION).queue[0].id, second);
    assert_eq!(
        world.act(|session, at| session.take_back(&second, at)).as_deref(),
        Some("Second")
    );
    for text in std::mem::take(&mut world.told) {
        tab.feed(Input::Tab(text));
    }
    assert!(tab.conversation(CONVERSATION).queue.is_empty());
    assert_eq!(
        tab.conversation(CONVERSATION).messages.len(),
        1,
        "the first is under way still"
    );
}
