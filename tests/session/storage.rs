//! A storage that is full or disabled, and takes something again.

use production_chat::outbox;
use production_chat::session::StorageKind;

use crate::world::*;

#[test]
fn full_storage_is_said_and_the_message_goes_all_the_same() {
    let mut world = World::ready();
    world.is_full = true;
    world.send(CONVERSATION, "Hello");
    assert_eq!(world.account().storage, StorageKind::Memory);
    world.on_wire("/chat");
}

#[test]
fn once_storage_takes_something_again_it_takes_everything() {
    let mut world = World::ready();
    world.is_full = true;
    let turns: Vec<String> = ["One", "Two"].map(|text| world.send(CONVERSATION, text)).to_vec();
    assert_eq!(world.account().storage, StorageKind::Memory);
    world.is_full = false;
    world.pass(10_000);
    assert!(
        world.storage.is_empty(),
        "nothing is tried before there is something to store"
    );
    let last = world.send(CONVERSATION, "Three");
    assert_eq!(world.account().storage, StorageKind::Persistent);
    for turn in turns.iter().chain([&last]) {
        assert!(world.storage.keys().any(|key| key.ends_with(turn)), "{turn}");
    }
}

#[test]
fn what_somebody_else_left_unstored_is_stored_with_it() {
    let mut world = World::ready();
    world.is_full = true;
    let turn = world.send(CONVERSATION, "Mine");
    world.act(|session, _| session.access_token_changed());
    world.give_token(token("99999999-9999-4999-8999-999999999999"));
    world.is_full = false;
    world.send(CONVERSATION, "Theirs");
    assert_eq!(world.account().storage, StorageKind::Persistent);
    assert!(world.storage.contains_key(&outbox::key_of(USER, &turn)));
}
