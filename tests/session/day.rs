//! A day of use: people come and go, pages sleep, clocks are set. What is old is not taken for new, nothing piles up.

use production_chat::session::{AccountStatus, Draft, Effect, Input};
use serde_json::{Value, json};

use crate::world::*;

const HOUR: u64 = 3_600_000;

fn empty_list() -> Value {
    json!({ "conversations": [], "hasMore": false })
}

fn updated_at(id: &str, at: u64) -> Value {
    with(conversation(id, 2), json!({ "updatedAt": at }))
}

fn listed(world: &World) -> Vec<String> {
    world.account().conversations.into_iter().map(|it| it.id).collect()
}

#[test]
fn a_limit_that_lifted_while_the_machine_slept_lets_go_as_soon_as_somebody_looks() {
    let mut world = World::new(options());
    world.give_token(token(USER));
    world.reply("quota_status", 200, &status(hour_spent(1)));
    world.reply("list_conversations", 200, &empty_list());
    let patient = Draft {
        queue: Some(true),
        ..draft(CONVERSATION, "Later")
    };
    let turn = world.act(|session, at| session.send(&patient, at)).unwrap();
    // The timers slept with it.
    world.now += HOUR;
    world.feed(Input::Visible);
    assert!(world.on_wire("/chat").body.unwrap().contains(&turn));
}

#[test]
fn a_page_that_was_read_before_the_tab_froze_is_not_fresh_when_it_thaws() {
    let mut world = World::ready();
    world.act(|session, at| session.open(CONVERSATION, at));
    world.now += HOUR;
    world.reply("get_messages_paginated", 200, &page(CONVERSATION, vec![], false));
    assert!(world.conversation(CONVERSATION).head.is_stale);
    world.feed(Input::Visible);
    world.on_wire("get_messages_paginated");
}

#[test]
fn figures_that_were_told_long_ago_are_not_fresh_and_set_no_clock() {
    let mut world = World::ready();
    let mut neighbour = World::neighbour(8);
    let turn = neighbour.send(CONVERSATION, "Hello");
    neighbour.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    // This tab froze, and hears of it an hour later.
    world.now += HOUR;
    for text in neighbour.told {
        world.feed(Input::Tab(text));
    }
    assert_eq!(
        world.account().usage_stats.unwrap().messages_today,
        1,
        "newer than what was known"
    );
    assert!(world.account().is_stale);
    world.feed(Input::Visible);
    world.on_wire("quota_status");
}

#[test]
fn figures_whose_reply_was_an_hour_under_way_set_no_clock() {
    let mut world = World::ready();
    world.act(|session, at| session.refetch_account(at));
    world.now += HOUR;
    let last = with(hour_spent(2), json!({ "hourFreesAt": [START + 2 * HOUR] }));
    world.reply("quota_status", 200, &status(last));
    let verdict = world.session.check(&draft(CONVERSATION, "x"), world.now);
    assert_eq!(
        verdict.retry_at,
        Some(START + 2 * HOUR),
        "by this machine's clock, which is right"
    );
    assert!(verdict.is_stale);
}

#[test]
fn figures_of_a_time_that_is_yet_to_come_are_not_fresh() {
    let mut world = World::ready();
    // The clock was an hour ahead, and is set.
    world.now -= HOUR;
    assert!(world.account().is_stale);
}

#[test]
fn a_live_tabs_holds_do_not_lapse_however_long_it_waits() {
    let (mut first, mut second) = (World::neighbour(1), World::neighbour(2));
    first.send(CONVERSATION, "On its way");
    let turn = first.on_wire("/chat").id;
    first.feed(Input::StreamOpened(turn));
    for _ in 0..30 {
        for text in std::mem::take(&mut first.told) {
            second.feed(Input::Tab(text));
        }
        first.pass(10_000);
        first.say(turn, ": keep-alive\n\n");
        second.pass(10_000);
    }
    assert_eq!(second.account().usage_stats.unwrap().messages_held, 1);
}

#[test]
fn signing_out_reaches_the_tabs_of_the_users_other_organizations() {
    let mut other = options();
    other.organization_id = Some("55555555-5555-4555-8555-555555555555".to_owned());
    let mut elsewhere = World::new(other);
    elsewhere.give_token(token(USER));
    let mut world = World::ready();
    world.told.clear();
    world.act(|session, _| session.sign_out());
    for text in world.told {
        elsewhere.feed(Input::Tab(text));
    }
    assert_eq!(elsewhere.account().status, AccountStatus::SignedOut);
    assert_eq!(elsewhere.account().user_id, None);
}

#[test]
fn what_was_typed_in_one_organization_is_not_sent_in_another() {
    let mut other = options();
    other.organization_id = Some("55555555-5555-4555-8555-555555555555".to_owned());
    let mut elsewhere = World::new(other.clone());
    elsewhere.give_token(token(USER));
    let turn = elsewhere.send(CONVERSATION, "For the team");
    let storage = elsewhere.storage;

    let world = World::with_storage(options(), storage.clone()).sign_in();
    assert!(!world.paths().contains(&"/chat"), "it would be another message there");
    assert_eq!(world.storage, storage, "it waits for its organization");
    let mut world = World::with_storage(other, storage);
    world.give_token(token(USER));
    assert!(world.on_wire("/chat").body.unwrap().contains(&turn));
}

#[test]
fn a_conversation_that_was_deleted_and_closed_stays_deleted() {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    world.act(|session, at| session.refetch_account(at));
    world.act(|session, at| session.delete_conversation(CONVERSATION, at));
    world.act(|session, _| session.close(CONVERSATION));
    let late = world.act(|session, at| session.send(&draft(CONVERSATION, "Late"), at));
    assert!(late.is_err(), "it would be lost with the conversation");
    let before = json!({ "conversations": [conversation(CONVERSATION, 0)], "hasMore": false });
    world.reply("list_conversations", 200, &before);
    assert!(listed(&world).is_empty(), "a list of before does not bring it back");
}

#[test]
fn an_old_conversation_opened_by_its_address_leaves_no_gap_in_the_list() {
    let newest: Vec<Value> = (0..3)
        .map(|number| updated_at(&id_of(number), START - number))
        .collect();
    let list = json!({ "conversations": newest, "hasMore": true });
    for opens_before_the_list_is_there in [false, true] {
        let mut world = World::new(options());
        world.give_token(token(USER));
        world.reply("quota_status", 200, &status(usage(1)));
        let old = json!({ "conversation": updated_at(CONVERSATION, START - 1_000), "messages": [], "hasMore": false,
            "liveTurnId": null });
        if opens_before_the_list_is_there {
            world.open(&old);
            world.reply("list_conversations", 200, &list);
        } else {
            world.reply("list_conversations", 200, &list);
            world.open(&old);
        }
        assert_eq!(listed(&world), [id_of(0), id_of(1), id_of(2)]);
        world.act(|session, at| session.fetch_next_conversations(at));
        let body = world.on_wire("list_conversations").body.unwrap();
        assert!(body.contains(&id_of(2)), "goes on where the list ends: {body}");
    }
}

#[test]
fn a_list_that_no_longer_adjoins_begins_anew() {
    let page = |from: u64| {
        let rows: Vec<Value> = (0..3)
            .map(|more| updated_at(&id_of(from + more), START - from - more))
            .collect();
        json!({ "conversations": rows, "hasMore": true })
    };
    let mut world = World::new(options());
    world.give_token(token(USER));
    world.reply("quota_status", 200, &status(usage(1)));
    world.reply("list_conversations", 200, &page(50));
    world.act(|session, at| session.fetch_next_conversations(at));
    world.reply("list_conversations", 200, &page(53));
    let refetch = |world: &mut World, page: &Value| {
        world.act(|session, at| session.refetch_account(at));
        world.reply("quota_status", 200, &status(usage(1)));
        world.reply("list_conversations", 200, page);
    };
    refetch(&mut world, &page(50));
    assert_eq!(
        listed(&world),
        (50..56).map(id_of).collect::<Vec<_>>(),
        "what was read below stays"
    );
    refetch(&mut world, &page(48));
    assert_eq!(listed(&world), (48..56).map(id_of).collect::<Vec<_>>());
    refetch(&mut world, &page(10));
    assert_eq!(
        listed(&world),
        (10..13).map(id_of).collect::<Vec<_>>(),
        "between here and there are others"
    );
    assert!(world.account().has_next_conversations);
}

#[test]
fn storage_that_is_full_loses_nothing_that_could_not_be_read() {
    let key = format!("production-chat:outbox:9:{USER}:{}", id_of(1));
    let mut session = production_chat::session::Session::new(&options(), true).unwrap();
    let mut at = production_chat::session::Moment {
        now: START,
        random: &mut Seeded(1),
    };
    session.start(&mut at);
    session.handle(Input::Token(1, Some(token(USER))), &mut at);
    session.effects();
    session.handle(Input::Stored(vec![(key.clone(), "{\"v\":9}".to_owned())]), &mut at);
    // Where a write fails nothing else may have been taken away for it.
    let removes = session
        .effects()
        .into_iter()
        .any(|effect| matches!(effect, Effect::Unstore { key: it } if it == key));
    assert!(!removes, "the only copy");
}

#[test]
fn whoever_was_looked_at_once_does_not_count_for_ever() {
    let mut world = World::ready();
    for number in 0..1_000 {
        let id = id_of(number);
        world.act(|session, at| session.open(&id, at));
        // Gone before the page is there.
        world.act(|session, _| session.close(&id));
        world.reply("get_messages_paginated", 200, &page(&id, vec![], false));
    }
    let mut at = production_chat::session::Moment {
        now: world.now,
        random: &mut Seeded(1),
    };
    world.session.effects();
    world.session.open(CONVERSATION, &mut at);
    world.session.close(CONVERSATION);
    world.session.effects();
    world.session.sign_out();
    let changed = world.session.effects().into_iter().find_map(|effect| match effect {
        Effect::Changed { conversations, .. } => Some(conversations.len()),
        _ => None,
    });
    assert!(
        changed.unwrap() < 10,
        "{changed:?} conversations are still kept count of"
    );
}

#[test]
fn what_a_frozen_tab_hears_late_does_not_move_the_clock() {
    let mut world = World::ready();
    world.open(&page(CONVERSATION, vec![], false));
    let turn = world.send(CONVERSATION, "Hello");
    let stream = world.open_stream("/chat", &accepted(CONVERSATION, &turn, 1, "Hello", 2));
    let resets_at = world.account().usage_stats.unwrap().day_resets_at;
    // Frozen for ten minutes, it hears only now what was said at once.
    world.now += 600_000;
    world.say(stream, &done(CONVERSATION, &turn, 2, "Hi", 3));
    assert_eq!(world.account().usage_stats.unwrap().day_resets_at, resets_at);

    // That the clock was set forward is told by what was asked for since.
    world.act(|session, at| session.refetch_account(at));
    world.reply("quota_status", 200, &status(usage(4)));
    assert_eq!(world.account().usage_stats.unwrap().day_resets_at, resets_at + 600_000);
}
