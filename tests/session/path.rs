//! The main path: sign in, read, send, watch the answer come, page back.

use production_chat::session::{AccountStatus, ChatMessageStatus, ConversationStatus};
use serde_json::json;

use crate::world::*;

#[test]
fn signs_in_and_reads_the_account() {
    let mut world = World::new(options());
    assert_eq!(world.asked, [false]);
    assert!(world.wire.is_empty(), "nothing is asked without a token");
    assert_eq!(world.account().status, AccountStatus::Loading);

    world = world.sign_in();
    let account = world.account();
    assert_eq!(account.status, AccountStatus::Ready);
    assert_eq!(account.user_id.as_deref(), Some(USER));
    assert_eq!(account.quotas.unwrap().max_messages_per_day, 500);
    assert_eq!(account.usage_stats.unwrap().messages_remaining, 500);
}

#[test]
fn a_message_goes_its_way_from_keystroke_to_invoice() {
    let mut world = World::ready();
    let id = world.act(|session, at| session.new_conversation(None, at));
    world.act(|session, at| session.open(&id, at));
    assert!(world.wire.is_empty(), "the server knows nothing of a new conversation");

    let turn = world.send(&id, "Hello");
    let shown = world.conversation(&id);
    assert_eq!(shown.head.status, ConversationStatus::Submitted);
    assert_eq!(shown.messages.len(), 1);
    assert_eq!(shown.messages[0].status, ChatMessageStatus::Sending);
    assert_eq!(shown.messages[0].id, turn);
    assert_eq!(
        world.account().usage_stats.unwrap().messages_remaining,
        499,
        "held at once"
    );
    assert_eq!(world.storage.len(), 1, "in the outbox before it is sent");
    let body: serde_json::Value = serde_json::from_str(world.on_wire("/chat").body.as_ref().unwrap()).unwrap();
    assert_eq!(
        body,
        json!({ "id": turn, "conversationId": id, "organizationId": null, "newConversation": true,
            "agent": "executive", "trigger": "submit-message", "content": "Hello", "files": 0 })
    );

    let stream = world.open_stream("/chat", &accepted(&id, &turn, 1, "Hello", 2));
    assert_eq!(world.conversation(&id).messages[0].status, ChatMessageStatus::Sent);
    let stats = world.account().usage_stats.unwrap();
    assert_eq!(
        (stats.messages_remaining, stats.messages_held),
        (499, 1),
        "counted once, by the server now"
    );

    world.say(stream, &delta(&turn, 0, "Hi "));
    world.say(stream, &delta(&turn, 3, "there"));
    let shown = world.conversation(&id);
    assert_eq!(shown.head.status, ConversationStatus::Streaming);
    assert_eq!(shown.messages[1].content, "Hi there");
    assert_eq!(shown.messages[1].status, ChatMessageStatus::Streaming);

    world.say(stream, &done(&id, &turn, 2, "Hi there", 3));
    world.end(stream);
    let shown = world.conversation(&id);
    assert_eq!(shown.head.status, ConversationStatus::Ready);
    assert_eq!(
        shown.messages.iter().map(|message| message.status).collect::<Vec<_>>(),
        [ChatMessageStatus::Complete; 2]
    );
    assert_eq!(shown.messages[1].cost_micro_usd, Some(10));
    assert!(world.storage.is_empty(), "the outbox is empty again");
    assert_eq!(world.account().usage_stats.unwrap().messages_remaining, 499);
    assert!(world.wire.is_empty(), "nothing else is asked: {:?}", world.paths());
}

#[test]
fn an_answer_that_does_not_stream_arrives_whole() {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    let turn = world.send(CONVERSATION, "Hello");
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    world.say(stream, &done(CONVERSATION, &turn, 2, "All of it", 3));
    let contents: Vec<String> = world
        .conversation(CONVERSATION)
        .messages
        .into_iter()
        .map(|it| it.content)
        .collect();
    assert_eq!(contents, ["Hello", "All of it"]);
}

#[test]
fn opening_before_the_token_is_there_is_remembered() {
    let mut world = World::new(options());
    world.act(|session, at| session.open(CONVERSATION, at));
    assert!(world.conversation(CONVERSATION).head.is_loading);
    world.give_token(token(USER));
    world.on_wire("get_messages_paginated");
}

#[test]
fn what_is_typed_before_the_token_is_there_is_sent_and_stored_when_it_comes() {
    let mut world = World::new(options());
    let turn = world.send(CONVERSATION, "Early");
    assert!(world.storage.is_empty());
    world.give_token(token(USER));
    assert!(world.on_wire("/chat").body.unwrap().contains(&turn));
    assert_eq!(world.storage.len(), 1);
}

#[test]
fn pages_back_once_however_many_ask() {
    let mut world = World::ready();
    let messages = |from: u64, to: u64| {
        (from..=to)
            .rev()
            .map(|seq| user_message(CONVERSATION, &format!("{seq:08}-0000-7000-8000-000000000000"), seq, "x"))
            .collect()
    };
    world.act(|session, at| session.open(CONVERSATION, at));
    world.act(|session, at| session.open(CONVERSATION, at));
    world.reply(
        "get_messages_paginated",
        200,
        &page(CONVERSATION, messages(71, 120), true),
    );
    assert!(world.conversation(CONVERSATION).head.has_next_page);

    world.act(|session, at| session.fetch_next_page(CONVERSATION, at));
    world.act(|session, at| session.fetch_next_page(CONVERSATION, at));
    assert!(
        world
            .on_wire("get_messages_paginated")
            .body
            .unwrap()
            .contains("\"p_before\":71")
    );
    world.reply(
        "get_messages_paginated",
        200,
        &page(CONVERSATION, messages(21, 70), true),
    );
    world.act(|session, at| session.fetch_next_page(CONVERSATION, at));
    world.reply(
        "get_messages_paginated",
        200,
        &page(CONVERSATION, messages(1, 20), false),
    );

    let shown = world.conversation(CONVERSATION);
    assert!(!shown.head.has_next_page);
    let places: Vec<u64> = shown.messages.iter().filter_map(|message| message.seq).collect();
    assert_eq!(places, (1..=120).collect::<Vec<_>>());
}

#[test]
fn a_conversation_stays_fresh_for_five_minutes_and_is_then_read_again_behind() {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    world.act(|session, _| session.close(CONVERSATION));
    world.pass(299_000);
    world.act(|session, at| session.open(CONVERSATION, at));
    assert!(world.wire.is_empty());
    world.pass(2_000);
    world.act(|session, at| session.open(CONVERSATION, at));
    let head = world.conversation(CONVERSATION).head;
    assert!(head.is_fetching && head.is_stale && !head.is_loading);
}

#[test]
fn an_unknown_conversation_is_not_found() {
    let mut world = World::ready();
    world.act(|session, at| session.open(CONVERSATION, at));
    world.reply(
        "get_messages_paginated",
        404,
        &json!({ "code": "PT404", "message": "unknown", "details": null, "hint": null }),
    );
    let error = serde_json::to_value(world.conversation(CONVERSATION).head.error).unwrap();
    assert_eq!(error["code"], "not_found");
}

#[test]
fn a_busy_provider_says_how_many_go_first() {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    let turn = world.send(CONVERSATION, "Hello");
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    let position = |world: &World| world.conversation(CONVERSATION).head.queue_position;
    assert_eq!(position(&world), None);
    world.say(stream, &event("queued", json!({ "turnId": turn, "position": 3 })));
    assert_eq!(position(&world), Some(3));
    world.say(stream, &event("queued", json!({ "turnId": turn, "position": 1 })));
    assert_eq!(position(&world), Some(1));
    world.say(stream, &delta(&turn, 0, "At last"));
    assert_eq!(position(&world), None);
}
