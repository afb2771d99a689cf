//! Anything in the place of a stored turn: it is read as what it says, or set aside whole, and nobody is harmed.
#![no_main]

#[allow(dead_code)]
#[path = "../../session/world.rs"]
mod world;

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use production_chat::outbox::{self, Unreadable};
use world::*;

const TURN: &str = "01977642-97aa-70e6-a928-93fd87ce19b3";

fuzz_target!(|text: &str| {
    let text = text.to_owned();
    let key = outbox::key_of(USER, TURN);
    let read = outbox::decode(&key, &text);
    if let Ok(entry) = &read {
        let (again_key, again) = outbox::encode(entry);
        assert_eq!(again_key, key);
        assert_eq!(outbox::decode(&again_key, &again).as_ref(), Ok(entry));
    }
    let storage = BTreeMap::from([(key.clone(), text.clone())]);
    let mut world = World::with_storage(options(), storage).sign_in();
    world.pass(60_000);
    match read {
        Ok(entry) => {
            let shown = world.conversation(&entry.conversation_id);
            let kept = world.storage.contains_key(&key);
            assert!(kept || !shown.messages.is_empty(), "lost: {entry:?}");
        }
        Err(Unreadable::OfNewerVersion) => assert_eq!(world.storage.get(&key), Some(&text), "touched"),
        Err(Unreadable::SetAside(aside)) => {
            assert_eq!(world.storage.get(&aside.key), Some(&text), "not set aside whole");
            assert!(!world.storage.contains_key(&key));
        }
    }
    world.account();
});
