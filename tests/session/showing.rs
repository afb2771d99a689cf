//! What is shown changes only with its revision, and with every word of an answer only that answer: a page makes no more
//! anew than it must.

use production_chat::license::Tier;
use production_chat::session::{Input, Revision};
use serde_json::json;

use crate::world::*;

const SOMEBODY_ELSE: &str = "99999999-9999-4999-8999-999999999999";
const MINUTE: u64 = 60_000;

fn revision(world: &World) -> Revision {
    world.session.revision(CONVERSATION).unwrap()
}

#[test]
fn an_answer_that_grows_leaves_the_rest_as_it_is() {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    let turn = world.send(CONVERSATION, "Hello");
    let id = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    let asked = revision(&world);
    world.say(id, &delta(&turn, 0, "Hel"));
    let begun = revision(&world);
    assert_ne!(begun.rest, asked.rest, "it is streaming now");
    world.say(id, &delta(&turn, 3, "lo"));
    let grown = revision(&world);
    assert_eq!(grown.rest, begun.rest);
    assert_ne!(grown.answer, begun.answer);
    assert_eq!(world.session.answer(CONVERSATION), Some("Hello"));
    world.say(id, &done(CONVERSATION, &turn, 2, "Hello", 3));
    assert_ne!(revision(&world).rest, grown.rest);
}

#[test]
fn an_answer_that_gets_its_id_late_is_another_message() {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    let turn = world.send(CONVERSATION, "Hello");
    let id = world.open_stream("/chat", &delta(&turn, 0, "Hi"));
    let answer = |world: &World| world.conversation(CONVERSATION).messages.pop().unwrap();
    let before = answer(&world);
    world.say(id, &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    let after = answer(&world);
    assert_eq!((before.content.as_str(), after.content.as_str()), ("Hi", "Hi"));
    assert_ne!(before.id, after.id);
    assert_ne!(before.version, after.version);
}

#[test]
fn a_conversation_that_gets_old_is_shown_as_old() {
    for is_read_before in [false, true] {
        let mut world = World::ready();
        world.open(&page(CONVERSATION, vec![], false));
        if is_read_before {
            world.act(|session, _| session.close(CONVERSATION));
            world.pass(MINUTE);
            world.act(|session, at| session.open(CONVERSATION, at));
        }
        // The account is another matter.
        world.act(|session, at| session.refetch_account(at));
        let fresh = with(usage(2), json!({ "serverTime": world.now + MINUTE }));
        world.reply("quota_status", 200, &status(fresh));
        world.pass(START + 5 * MINUTE - 1 - world.now);
        let before = revision(&world);
        assert!(!world.conversation(CONVERSATION).head.is_stale);
        world.pass(1);
        assert!(world.conversation(CONVERSATION).head.is_stale);
        assert_ne!(revision(&world), before, "read before: {is_read_before}");
    }
}

#[test]
fn a_list_that_names_what_is_open_is_shown_there_too() {
    let mut world = World::new(options());
    world.give_token(token(USER));
    world.act(|session, at| session.open(CONVERSATION, at));
    let before = revision(&world);
    let list = json!({ "conversations": [conversation(CONVERSATION, 2)], "hasMore": false });
    world.reply("list_conversations", 200, &list);
    assert!(world.conversation(CONVERSATION).head.conversation.is_some());
    assert_ne!(revision(&world), before);
}

#[test]
fn a_deletion_that_is_refused_is_shown_as_refused() {
    let mut world = World::new(options());
    world.give_token(token(USER));
    world.act(|session, at| session.open(CONVERSATION, at));
    let list = json!({ "conversations": [conversation(CONVERSATION, 2)], "hasMore": false });
    world.reply("list_conversations", 200, &list);
    world.act(|session, at| session.delete_conversation(CONVERSATION, at));
    assert!(world.conversation(CONVERSATION).head.conversation.is_none());
    let deleting = revision(&world);
    world.reply("delete_conversation", 403, &json!({ "message": "No." }));
    assert!(world.conversation(CONVERSATION).head.conversation.is_some());
    assert_ne!(revision(&world), deleting);
}

#[test]
fn what_is_deleted_unseen_has_a_revision_of_its_own() {
    let mut world = World::ready();
    let mut seen = Vec::new();
    for _ in 0..2 {
        world.act(|session, at| session.delete_conversation(CONVERSATION, at));
        seen.push(revision(&world));
        world.reply("delete_conversation", 403, &json!({ "message": "No." }));
        // When another one is closed, what is kept of this one goes.
        world.act(|session, at| session.open(&id_of(9), at));
        world.act(|session, _| session.close(&id_of(9)));
    }
    assert_ne!(seen[0], seen[1]);
}

#[test]
fn what_another_tab_has_news_of_is_shown_as_old() {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    world.act(|session, at| session.refetch(CONVERSATION, at));
    let before = revision(&world);
    let news = json!({ "v": 1, "userId": USER, "organizationId": null,
        "news": { "conversation": { "id": CONVERSATION, "conversation": null } } });
    world.feed(Input::Tab(news.to_string()));
    assert!(world.conversation(CONVERSATION).head.is_stale);
    assert_ne!(revision(&world), before);
}

#[test]
fn midnight_comes_for_the_assumed_plan_too() {
    let mut assumed = options();
    assumed.default_tier = Some(Tier::Free);
    let mut world = World::new(assumed);
    let day_resets_at = |world: &World| world.account().usage_stats.unwrap().day_resets_at;
    let midnight = day_resets_at(&world);
    world.act(|session, at| session.open(CONVERSATION, at));
    let before = revision(&world);
    world.pass(midnight - world.now);
    assert!(day_resets_at(&world) > midnight);
    assert_ne!(revision(&world), before);
}

#[test]
fn prices_change_what_a_message_may_cost_though_nothing_new_is_spent() {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    let before = revision(&world);
    world.act(|session, at| session.refetch_account(at));
    // Another tab has told of what is spent since.
    let old = with(usage(0), json!({ "serverTime": START - MINUTE }));
    let dearer = json!([{ "model": "gpt", "version": 2, "inputMicroUsdPerMillion": 9_000_000,
        "cachedInputMicroUsdPerMillion": 500_000, "outputMicroUsdPerMillion": 9_000_000 }]);
    world.reply("quota_status", 200, &with(status(old), json!({ "prices": dearer })));
    assert_ne!(revision(&world), before);
}

#[test]
fn another_user_is_shown_nothing_of_what_was_closed_before() {
    let mut world = World::ready();
    world.open(&page(
        CONVERSATION,
        vec![user_message(CONVERSATION, USER, 1, "Private")],
        false,
    ));
    let before = world.session.revision(CONVERSATION);
    world.act(|session, _| session.close(CONVERSATION));
    world.act(|session, _| session.access_token_changed());
    world.give_token(token(SOMEBODY_ELSE));
    assert!(world.conversation(CONVERSATION).messages.is_empty());
    // Whoever kept what was shown cannot take it for what is shown now.
    let after = world.session.revision(CONVERSATION);
    assert!(after.is_none() || after != before, "{after:?}");
}

#[test]
fn no_two_lists_of_a_conversations_messages_share_a_revision() {
    let mut world = World::ready();
    let one = user_message(CONVERSATION, &id_of(1), 1, "One");
    let two = user_message(CONVERSATION, &id_of(2), 2, "Two");
    world.open(&page(CONVERSATION, vec![one.clone()], false));
    let before = world.session.revision(CONVERSATION);
    world.act(|session, _| session.close(CONVERSATION));
    world.act(|session, at| session.open(CONVERSATION, at));
    world.act(|session, at| session.refetch(CONVERSATION, at));
    let page = page(CONVERSATION, vec![two, one], false);
    world.reply("get_messages_paginated", 200, &page);
    assert_eq!(world.conversation(CONVERSATION).messages.len(), 2);
    assert_ne!(world.session.revision(CONVERSATION), before);
}
