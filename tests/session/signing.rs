//! Who is signed in: tokens that are refused, expired or missing, signing out, another user.

use production_chat::session::{AccountStatus, Input};
use serde_json::json;

use crate::trouble::sending;
use crate::world::*;

#[test]
fn a_refused_token_is_renewed_once_and_the_request_goes_again() {
    let mut world = World::new(options());
    world.give_token(token(USER));
    world.reply("quota_status", 401, &problem("unauthenticated", 401, json!({})));
    assert_eq!(world.asked, [false, true], "a newer token is asked for");
    world.give_token(token(USER));
    world.reply("quota_status", 200, &status(usage(1)));
    assert_eq!(world.account().status, AccountStatus::Ready);
}

#[test]
fn refused_twice_means_signed_out_and_what_was_typed_waits() {
    let (mut world, turn) = sending();
    let refused = problem("unauthenticated", 401, json!({}));
    world.reply("/chat", 401, &refused);
    world.give_token(token(USER));
    world.reply("/chat", 401, &refused);
    assert_eq!(world.account().status, AccountStatus::SignedOut);
    assert_eq!(world.storage.len(), 1);
    assert_eq!(world.conversation(CONVERSATION).queue[0].id, turn);
    world.pass(3_600_000);
    assert!(world.wire.is_empty());

    world.act(|session, _| session.access_token_changed());
    world.give_token(token(USER));
    assert!(
        world.on_wire("/chat").body.unwrap().contains(&turn),
        "the same turn, signed in again"
    );
}

#[test]
fn another_user_sees_nothing_of_the_first() {
    let (mut world, _) = sending();
    world.act(|session, _| session.access_token_changed());
    world.give_token(token("99999999-9999-4999-8999-999999999999"));
    let shown = world.conversation(CONVERSATION);
    assert!(shown.messages.is_empty() && shown.queue.is_empty());
    assert_eq!(world.account().unsent_count, 0);
    assert!(!world.paths().contains(&"/chat"), "nothing of the first user's is sent");
    assert_eq!(world.storage.len(), 1, "but it is kept for them");
}

#[test]
fn signing_out_clears_everything_and_counts_what_is_lost() {
    let (mut world, _) = sending();
    assert_eq!(world.act(|session, _| session.sign_out()), 1);
    assert!(world.storage.is_empty() && world.wire.is_empty());
    assert_eq!(world.account().status, AccountStatus::SignedOut);
    assert_eq!(world.account().user_id, None);
}

#[test]
fn an_answer_that_comes_too_late_signs_nobody_in() {
    let mut world = World::new(options());
    let first = world.ask;
    world.act(|session, _| session.access_token_changed());
    world.feed(Input::Token(first, Some(token("99999999-9999-4999-8999-999999999999"))));
    assert_eq!(world.account().user_id, None);
    world.give_token(token(USER));
    assert_eq!(world.account().user_id.as_deref(), Some(USER));
    world.act(|session, _| session.sign_out());
    world.give_token(token(USER));
    assert_eq!(world.account().status, AccountStatus::SignedOut);
}

#[test]
fn a_token_that_expired_is_renewed_once_however_late_the_others_are_refused() {
    let mut world = World::ready();
    world.act(|session, at| session.refetch_account(at));
    world.act(|session, at| session.open(CONVERSATION, at));
    let refused = problem("unauthenticated", 401, json!({}));
    let asked = world.asked.len();
    world.reply("quota_status", 401, &refused);
    world.reply("list_conversations", 401, &refused);
    world.give_token(token(USER));
    world.reply("get_messages_paginated", 401, &refused);
    assert_eq!(world.asked.len() - asked, 1, "the last was refused with the old token");
    assert_eq!(world.wire.len(), 3, "all go again: {:?}", world.paths());
}

#[test]
fn an_app_without_a_token_says_nothing_of_the_server() {
    let mut world = World::new(options());
    for number in 0..8 {
        let id = format!("0000000{number}-0000-7000-8000-000000000000");
        world.act(|session, at| session.open(&id, at));
        world.act(|session, at| session.refetch(&id, at));
    }
    let ask = world.ask;
    world.feed(Input::TokenFailed(ask, "away".to_owned()));
    world.pass(1_000);
    world.give_token(token(USER));
    assert_eq!(world.wire.len(), 10, "nothing is held back: {:?}", world.paths());
}
