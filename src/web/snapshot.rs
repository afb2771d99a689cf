//! What JavaScript sees. One object per message and version, so that a frame rebuilds only what changed.

use js_sys::{Array, Object, Reflect};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::{JsCast, JsValue};

use crate::json::Value;
use crate::session::{ChatMessage, Row, Session};
use crate::table::Table;
use crate::{Millis, json};

/// Conversations whose snapshots are kept.
const KEPT: usize = 64;

/// A value as plain objects, arrays, numbers and `null`.
pub(super) fn to_js<T: Serialize + ?Sized>(value: &T) -> JsValue {
    plain(&json::to_value(value))
}

pub(super) fn plain(value: &Value) -> JsValue {
    let serializer = Serializer::new()
        .serialize_maps_as_objects(true)
        .serialize_missing_as_null(true);
    // Nothing that a tree holds cannot be said in JavaScript.
    value.serialize(&serializer).unwrap_or(JsValue::NULL)
}

/// The last snapshots, kept until something in them changes.
#[derive(Default)]
pub(super) struct Snapshots {
    account: Option<Shown>,
    account_changed: bool,
    conversations: Table<String, View>,
}

/// A plain object, and what it says.
struct Shown {
    says: Value,
    object: JsValue,
}

/// A conversation as it was last shown.
#[derive(Default)]
struct View {
    changed: bool,
    shown: Option<Shown>,
    settled: Settled,
    /// Of the settled messages.
    revision: Option<u64>,
    moving: Few,
    queue: Few,
    messages: Array,
}

/// Messages that hardly change, and there are many: their versions tell which are the same.
#[derive(Default)]
struct Settled {
    versions: Vec<u64>,
    array: Array,
}

/// Messages that change all the time, and there are few: one that grows is made of the one before.
#[derive(Default)]
struct Few {
    shown: Vec<Shown>,
    array: Array,
}

impl Snapshots {
    pub(super) fn invalidate(&mut self, account: bool, conversations: &[String]) {
        self.account_changed |= account;
        for id in conversations {
            if let Some(view) = self.conversations.get_mut(id) {
                view.changed = true;
            }
        }
    }

    pub(super) fn account(&mut self, session: &Session, now: Millis) -> JsValue {
        if self.account_changed || self.account.is_none() {
            self.account_changed = false;
            let says = json::to_value(&session.account(now));
            if !says_still(self.account.as_ref(), &says) {
                self.account = Some(Shown::next(self.account.as_ref(), says));
            }
        }
        object_of(self.account.as_ref())
    }

    pub(super) fn conversation(&mut self, session: &Session, id: &str, now: Millis) -> JsValue {
        let known = self.conversations.get(id).map(|view| view.changed);
        if known.is_none() {
            self.conversations.retain(|id, _| session.holds_some_of(id));
            if self.conversations.len() >= KEPT {
                self.conversations = Table::default();
            }
        }
        // Of what nobody attends to nobody tells when it changes.
        if known != Some(false) || session.settled_revision(id).is_none() {
            self.conversations.update(id, |view| view.renew(session, id, now));
        }
        object_of(self.conversations.get(id).and_then(|view| view.shown.as_ref()))
    }
}

fn object_of(shown: Option<&Shown>) -> JsValue {
    shown.map_or(JsValue::NULL, |shown| shown.object.clone())
}

fn says_still(shown: Option<&Shown>, says: &Value) -> bool {
    shown.is_some_and(|shown| shown.says == *says)
}

impl Shown {
    /// The next object. Parts of the last one that did not change keep their identity.
    fn next(last: Option<&Shown>, says: Value) -> Shown {
        let object = Object::new();
        if let Some(last) = last {
            Object::assign(&object, last.object.unchecked_ref());
        }
        if let Value::Object(fields) = &says {
            for (name, value) in fields {
                if last.is_none_or(|last| last.says.field(name) != Some(value)) {
                    set(&object, name, &plain(value));
                }
            }
        }
        Shown {
            says,
            object: object.into(),
        }
    }
}

impl View {
    fn renew(&mut self, session: &Session, id: &str, now: Millis) {
        self.changed = false;
        let mut same = self.shown.is_some();
        let revision = session.settled_revision(id);
        if revision.is_none() || self.revision != revision {
            self.revision = revision;
            let rows = session.settled(id);
            let versions = rows.iter().map(|row| row.version).collect();
            same &= self.settled.next(versions, &|place| rows.get(place).map(Row::message));
        }
        same &= self.moving.take(&session.moving(id));
        if !same {
            self.messages = self.settled.array.concat(&self.moving.array);
        }
        same &= self.queue.take(&session.queue(id));
        let says = json::to_value(&session.conversation_head(id, now));
        if !same || !says_still(self.shown.as_ref(), &says) {
            let shown = Shown::next(self.shown.as_ref(), says);
            set(&shown.object, "messages", &self.messages);
            set(&shown.object, "queue", &self.queue.array);
            self.shown = Some(shown);
        }
    }
}

impl Few {
    /// Goes on to other messages; returns whether they are the same ones. Those that say the same keep their object.
    fn take(&mut self, messages: &[ChatMessage]) -> bool {
        let mut last = std::mem::take(self);
        let mut same = last.shown.len() == messages.len();
        for message in messages {
            let says = json::to_value(message);
            let place = last
                .shown
                .iter()
                .position(|last| last.says.field("id") == says.field("id"));
            same &= place == Some(0);
            let before = place.map(|place| last.shown.remove(place));
            let shown = match before {
                Some(before) if before.says == says => before,
                before => {
                    same = false;
                    Shown::next(before.as_ref(), says)
                }
            };
            self.array.push(&shown.object);
            self.shown.push(shown);
        }
        if same {
            self.array = last.array;
        }
        same
    }
}

impl Settled {
    /// Goes on to other messages; returns whether they are the same ones. Those whose version was shown before keep their
    /// object.
    fn next(&mut self, versions: Vec<u64>, message: &dyn Fn(usize) -> Option<ChatMessage>) -> bool {
        if versions == self.versions {
            return true;
        }
        let array = Array::new();
        let count = self.versions.len();
        // Most often the next one stood right behind the one before, so it is looked for from there on.
        let mut behind = 0;
        for (place, version) in versions.iter().enumerate() {
            let mut places = (behind..count).chain(0..behind);
            let object = match places.find(|old| self.versions.get(*old) == Some(version)) {
                Some(old) => {
                    behind = old + 1;
                    self.array.get(old as u32)
                }
                None => message(place).map_or(JsValue::NULL, |message| to_js(&message)),
            };
            array.push(&object);
        }
        *self = Settled { versions, array };
        false
    }
}

pub(super) fn set(object: &JsValue, name: &str, value: &JsValue) {
    // Our own plain object: setting a field of it cannot fail.
    drop(Reflect::set(object, &name.into(), value));
}
