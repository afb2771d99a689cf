//! What JavaScript sees. One object per message and version, so that a frame rebuilds only what changed.

use fnv::FnvHashMap;
use js_sys::{Array, Object, Reflect};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::{JsCast, JsValue};

use crate::session::{AccountSnapshot, ChatMessage, ConversationHead, Session};
use crate::table::Table;
use crate::{Millis, json};

/// Conversations whose snapshots are kept.
const KEPT: usize = 64;

/// A value as plain objects, arrays, numbers and `null`.
pub(super) fn to_js<T: Serialize + ?Sized>(value: &T) -> JsValue {
    let serializer = Serializer::new()
        .serialize_maps_as_objects(true)
        .serialize_missing_as_null(true);
    // Numbers beyond 2^53 are the only thing that cannot be said, and no instant, count or amount is one.
    json::to_value(value).serialize(&serializer).unwrap_or(JsValue::NULL)
}

/// The last snapshots, kept until something in them changes.
#[derive(Default)]
pub(super) struct Snapshots {
    account: Option<(AccountSnapshot, JsValue)>,
    account_changed: bool,
    conversations: Table<String, Shown>,
}

/// A conversation as it was last shown.
struct Shown {
    changed: bool,
    head: ConversationHead,
    settled: List,
    revision: u64,
    moving: List,
    queue: List,
    messages: Array,
    object: JsValue,
}

/// An array of messages and their versions.
#[derive(Default)]
struct List {
    versions: Vec<u64>,
    array: Array,
}

impl Snapshots {
    pub(super) fn invalidate(&mut self, account: bool, conversations: &[String]) {
        self.account_changed |= account;
        for id in conversations {
            if let Some(shown) = self.conversations.get_mut(id) {
                shown.changed = true;
            }
        }
    }

    pub(super) fn account(&mut self, session: &Session, now: Millis) -> JsValue {
        if let Some((_, object)) = self.account.as_ref().filter(|_| !self.account_changed) {
            return object.clone();
        }
        self.account_changed = false;
        let next = session.account(now);
        if let Some((_, object)) = self.account.as_ref().filter(|(last, _)| *last == next) {
            return object.clone();
        }
        let object = to_js(&next);
        if let Some((last, old)) = &self.account {
            keep(&object, old, "quotas", last.quotas == next.quotas);
            keep(&object, old, "usageStats", last.usage_stats == next.usage_stats);
            keep(&object, old, "license", last.license == next.license);
            keep(&object, old, "organization", last.organization == next.organization);
            keep(&object, old, "tiers", last.tiers == next.tiers);
            keep(&object, old, "agents", last.agents == next.agents);
            keep(&object, old, "error", last.error == next.error);
            keep(&object, old, "conversations", last.conversations == next.conversations);
        }
        self.account = Some((next, object.clone()));
        object
    }

    pub(super) fn conversation(&mut self, session: &Session, id: &str, now: Millis) -> JsValue {
        if let Some(shown) = self.conversations.get(id).filter(|shown| !shown.changed) {
            return shown.object.clone();
        }
        let last = self.conversations.remove(id);
        if self.conversations.len() >= KEPT {
            self.conversations = Table::default();
        }
        let shown = show(session, id, now, last);
        let object = shown.object.clone();
        self.conversations.insert(id.to_owned(), shown);
        object
    }
}

fn show(session: &Session, id: &str, now: Millis, last: Option<Shown>) -> Shown {
    let head = session.conversation_head(id, now);
    let revision = session.settled_revision(id);
    let (last, settled, moving, queue) = match last {
        Some(last) => {
            let Shown {
                head,
                settled,
                revision,
                moving,
                queue,
                messages,
                object,
                ..
            } = last;
            (Some((head, revision, messages, object)), settled, moving, queue)
        }
        None => (None, List::default(), List::default(), List::default()),
    };
    let settled_stands = last.as_ref().is_some_and(|(_, last, _, _)| *last == revision);
    let (settled, settled_same) = match settled_stands {
        true => (settled, true),
        false => settled.next(&session.settled(id), |row| row.version, |row| row.message()),
    };
    let (moving, moving_same) = moving.next(&session.moving(id), |message| message.version, ChatMessage::clone);
    let (queue, queue_same) = queue.next(&session.queue(id), |message| message.version, ChatMessage::clone);
    let messages_same = settled_same && moving_same && last.is_some();
    let messages = match &last {
        Some((_, _, messages, _)) if messages_same => messages.clone(),
        _ => settled.array.concat(&moving.array),
    };
    if let Some((last_head, _, _, object)) = &last
        && messages_same
        && queue_same
        && *last_head == head
    {
        let object = object.clone();
        return Shown {
            changed: false,
            head,
            settled,
            revision,
            moving,
            queue,
            messages,
            object,
        };
    }
    let object = to_js(&head);
    if let Some((last, _, _, old)) = &last {
        keep(&object, old, "conversation", last.conversation == head.conversation);
        keep(&object, old, "error", last.error == head.error);
        keep(&object, old, "verdict", last.verdict == head.verdict);
    }
    set(&object, "messages", &messages);
    set(&object, "queue", &queue.array);
    Shown {
        changed: false,
        head,
        settled,
        revision,
        moving,
        queue,
        messages,
        object,
    }
}

impl List {
    /// The next list, and whether it is the same one. Messages whose version was shown before keep their object.
    fn next<T>(self, items: &[T], version: impl Fn(&T) -> u64, message: impl Fn(&T) -> ChatMessage) -> (List, bool) {
        let versions: Vec<u64> = items.iter().map(&version).collect();
        if versions == self.versions {
            return (self, true);
        }
        let known: FnvHashMap<u64, u32> = self.versions.iter().copied().zip(0..).collect();
        let array = Array::new_with_length(items.len() as u32);
        for (place, item) in (0..).zip(items) {
            let object = match known.get(&version(item)) {
                Some(old) => self.array.get(*old),
                None => to_js(&message(item)),
            };
            array.set(place, object);
        }
        (List { versions, array }, false)
    }
}

/// A part that did not change keeps its identity.
fn keep(object: &JsValue, old: &JsValue, name: &str, same: bool) {
    if same && let Ok(part) = Reflect::get(old, &name.into()) {
        set(object, name, &part);
    }
}

fn set(object: &JsValue, name: &str, value: &JsValue) {
    // Our own plain object: setting a field of it cannot fail.
    drop(Reflect::set(object.unchecked_ref::<Object>(), &name.into(), value));
}
