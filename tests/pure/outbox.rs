use crate::fixtures::NOON;
use production_chat::Millis;
use production_chat::outbox::{
    Outbox, OutboxEntry, OutboxState, SetAside, SetAsideReason, Trigger, Unreadable, belongs_to, decode, encode,
    is_key, key_of,
};
use production_chat::problem::ChatErrorDetail;
use proptest::prelude::*;

const USER: &str = "0194700e-0000-7000-8000-00000000000a";

fn turn(number: u64) -> String {
    format!("0194700e-0000-7000-8000-{number:012}")
}

fn entry(number: u64, conversation: &str, state: OutboxState, not_before: Option<Millis>) -> OutboxEntry {
    OutboxEntry {
        v: 1,
        turn_id: turn(number),
        user_id: USER.to_owned(),
        organization_id: None,
        conversation_id: conversation.to_owned(),
        new_conversation: false,
        agent: "executive".to_owned(),
        trigger: Trigger::SubmitMessage,
        content: "hello".to_owned(),
        files: 0,
        created_at: NOON,
        state,
        not_before,
        went: false,
        stop_wanted: false,
        owner_tab: "tab".to_owned(),
    }
}

fn failed() -> OutboxState {
    OutboxState::Failed(ChatErrorDetail::network())
}

#[test]
fn oldest_first_one_at_a_time_and_nothing_overtakes() {
    let mut outbox = Outbox::new();
    outbox.insert(entry(2, "a", OutboxState::Queued, None));
    outbox.insert(entry(1, "a", OutboxState::Queued, None));
    outbox.insert(entry(3, "b", OutboxState::Queued, None));
    let next = |outbox: &Outbox, conversation| outbox.next_sendable(conversation, NOON).map(|e| e.turn_id.clone());
    assert_eq!(next(&outbox, "a"), Some(turn(1)));
    assert_eq!(next(&outbox, "b"), Some(turn(3)));
    assert_eq!(next(&outbox, "c"), None);

    outbox.update(&turn(1), |entry| entry.state = OutboxState::Sending);
    assert_eq!(next(&outbox, "a"), None, "one is under way");
    outbox.update(&turn(1), |entry| entry.state = failed());
    assert_eq!(next(&outbox, "a"), Some(turn(2)), "a failed one holds up nobody");
    outbox.update(&turn(1), |entry| entry.state = OutboxState::Queued);
    outbox.update(&turn(1), |entry| entry.not_before = Some(NOON + 1));
    assert_eq!(next(&outbox, "a"), None, "the second does not overtake the first");
    outbox.remove(&turn(1));
    outbox.update(&turn(2), |entry| entry.not_before = Some(NOON));
    assert_eq!(next(&outbox, "a"), Some(turn(2)));
    assert_eq!(outbox.len(), 2);
}

#[test]
fn a_later_one_under_way_holds_up_an_older_one_that_is_tried_again() {
    let mut outbox = Outbox::new();
    outbox.insert(entry(1, "a", OutboxState::Queued, None));
    outbox.insert(entry(2, "a", OutboxState::Sending, None));
    assert_eq!(outbox.next_sendable("a", NOON), None);
}

#[test]
fn one_key_a_turn() {
    let (key, text) = encode(&entry(1, "a", failed(), Some(NOON)));
    assert_eq!(key, format!("production-chat:outbox:1:{USER}:{}", turn(1)));
    assert!(is_key(&key) && belongs_to(&key, USER) && !belongs_to(&key, &turn(1)));
    assert!(!is_key("production-chat:something-else"));
    assert_eq!(decode(&key, &text).unwrap(), entry(1, "a", failed(), Some(NOON)));
}

fn set_aside(key: &str, text: &str) -> SetAside {
    match decode(key, text) {
        Err(Unreadable::SetAside(aside)) => aside,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_nothing_can_read_is_set_aside() {
    let (key, text) = encode(&entry(1, "a", OutboxState::Queued, None));
    let older_body = set_aside(&key, &text.replace("\"v\":1", "\"v\":0"));
    assert_eq!(older_body.reason, SetAsideReason::OlderVersion);
    assert!(
        !is_key(&older_body.key) && belongs_to(&older_body.key, USER),
        "found only by signing out"
    );
    let older_key = set_aside(&key.replace(":1:", ":0:"), &text);
    assert_eq!(older_key.reason, SetAsideReason::OlderVersion);
    assert_eq!(
        older_key.key,
        format!("production-chat:outbox:set-aside:0:{USER}:{}", turn(1))
    );
    let anothers = set_aside(&key_of(USER, &turn(2)), &text);
    assert_eq!(anothers.reason, SetAsideReason::Corrupt, "another turn's");
    assert_eq!(set_aside(&key, "null").reason, SetAsideReason::Corrupt);
    assert!(older_key.to_string().contains(&older_key.key));
}

#[test]
fn what_a_newer_version_wrote_is_left_where_it_is() {
    let (key, text) = encode(&entry(1, "a", OutboxState::Queued, None));
    let (newer_key, newer_text) = (key.replace(":1:", ":2:"), text.replace("\"v\":1", "\"v\":2"));
    for (key, text) in [(&key, &newer_text), (&newer_key, &text), (&newer_key, &"?".to_owned())] {
        assert_eq!(decode(key, text), Err(Unreadable::OfNewerVersion));
    }
}

#[test]
fn fields_of_a_later_writer_of_the_same_version_are_ignored() {
    let (key, text) = encode(&entry(1, "a", OutboxState::Sending, None));
    let text = text
        .replace("\"v\":1", "\"v\":1,\"later\":{\"more\":true}")
        .replace("\"notBefore\":null,", "");
    assert_eq!(decode(&key, &text).unwrap(), entry(1, "a", OutboxState::Sending, None));
}

prop_compose! {
    fn any_entry()(
        number in 0_u64..1_000, content in "\\PC{0,20}", files: u64, created_at: Millis, new_conversation: bool,
        state in prop_oneof![Just(OutboxState::Queued), Just(OutboxState::Sending), Just(failed())],
        not_before in any::<Option<Millis>>(), organization_id in prop::option::of("[a-z]{3}"), regenerate: bool,
        went: bool, stop_wanted: bool,
    ) -> OutboxEntry {
        let trigger = if regenerate { Trigger::RegenerateMessage } else { Trigger::SubmitMessage };
        OutboxEntry {
            content, files, created_at, new_conversation, organization_id, trigger, went, stop_wanted,
            ..entry(number, "a", state, not_before)
        }
    }
}

proptest! {
    #[test]
    fn what_is_stored_is_read(entry in any_entry()) {
        let (key, text) = encode(&entry);
        prop_assert_eq!(decode(&key, &text), Ok(entry));
    }

    #[test]
    fn no_stored_text_is_fatal(entry in any_entry(), cut in any::<prop::sample::Index>(), noise in "\\PC{0,20}") {
        let (key, text) = encode(&entry);
        let cut = text.char_indices().map(|(at, _)| at).nth(cut.index(text.chars().count())).unwrap();
        for broken in [text[..cut].to_owned(), format!("{}{noise}", &text[..cut]), noise.clone()] {
            match decode(&key, &broken) {
                Ok(entry) => prop_assert!(false, "{entry:?}"),
                Err(Unreadable::SetAside(aside)) => prop_assert!(!is_key(&aside.key)),
                Err(Unreadable::OfNewerVersion) => {}
            }
        }
        prop_assert!(decode(&noise, &text).is_err());
    }
}
