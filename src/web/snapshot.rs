//! What JavaScript sees. One object per message and version, so that a frame rebuilds only what changed.

use js_sys::{Array, Object};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

use crate::json::Value;
use crate::session::{ChatMessage, Revision, Row, Session};
use crate::table::Table;
use crate::{Millis, json};

#[wasm_bindgen]
extern "C" {
    /// Sets a field of a plain object of ours, which cannot fail.
    #[wasm_bindgen(js_namespace = Reflect)]
    pub(super) fn set(object: &JsValue, name: &str, value: &JsValue);

    /// What is set with every frame, by names that need not be carried over each time.
    type Grows;
    #[wasm_bindgen(method, setter)]
    fn set_content(this: &Grows, text: Option<&str>);
    #[wasm_bindgen(method, setter)]
    fn set_version(this: &Grows, version: f64);
    #[wasm_bindgen(method, setter)]
    fn set_messages(this: &Grows, messages: &JsValue);
}

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
    shown: Option<Shown>,
    revision: Option<Revision>,
    settled: Messages,
    moving: Messages,
    queue: Messages,
}

/// Messages in their order. Their versions tell which are the same.
#[derive(Default)]
struct Messages {
    versions: Vec<u64>,
    array: Array,
}

impl Snapshots {
    pub(super) fn account_changed(&mut self) {
        self.account_changed = true;
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
        if self.conversations.get(id).is_none() {
            // The session keeps so many, and so many are kept here.
            self.conversations.retain(|id, _| session.holds_some_of(id));
        }
        self.conversations.update(id, |view| view.renew(session, id, now));
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
        let object = last.map_or_else(Object::new, |last| copy(&last.object));
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
        let revision = session.revision(id);
        let before = std::mem::replace(&mut self.revision, revision);
        // Of what nobody attends to nobody tells when it changes.
        if let (Some(before), Some(revision)) = (before, revision)
            && before.rest == revision.rest
        {
            if before.answer != revision.answer {
                self.grow(before.answer, revision.answer, session.answer(id));
            }
            return;
        }
        let rows = session.settled(id);
        let versions = rows.iter().map(|row| row.version).collect();
        let mut same = self.shown.is_some();
        same &= self
            .settled
            .next(versions, &|place| made(rows.get(place).map(Row::message).as_ref()));
        same &= self.moving.take(&session.moving(id));
        let lists_the_same = same;
        same &= self.queue.take(&session.queue(id));
        let says = json::to_value(&session.conversation_head(id, now));
        if !same || !says_still(self.shown.as_ref(), &says) {
            let shown = Shown::next(self.shown.as_ref(), says);
            set(&shown.object, "queue", &self.queue.array);
            self.shown = Some(shown);
            if !lists_the_same {
                self.list();
            }
        }
    }

    /// Nothing else has changed, and this comes with every frame of an answer: what is shown of the rest is kept.
    fn grow(&mut self, before: u64, version: u64, text: Option<&str>) {
        let mut known = self.moving.versions.iter_mut().zip(0..);
        let Some((known, place)) = known.find(|(known, _)| **known == before) else {
            return;
        };
        *known = version;
        let message: Grows = copy(&self.moving.array.get(place)).unchecked_into();
        message.set_content(text);
        message.set_version(version as f64);
        self.moving.array.set(place, message.into());
        if let Some(shown) = &mut self.shown {
            shown.object = copy(&shown.object).into();
        }
        self.list();
    }

    /// Another list: what is shown has the last one's until then.
    fn list(&self) {
        if let Some(shown) = &self.shown {
            let messages = self.settled.array.concat(&self.moving.array);
            shown.object.unchecked_ref::<Grows>().set_messages(&messages);
        }
    }
}

impl Messages {
    fn take(&mut self, messages: &[ChatMessage]) -> bool {
        let versions = messages.iter().map(|message| message.version).collect();
        self.next(versions, &|place| made(messages.get(place)))
    }

    /// Goes on to other messages; returns whether they are the same ones. Those whose version was shown before keep their
    /// object.
    fn next(&mut self, versions: Vec<u64>, message: &dyn Fn(usize) -> JsValue) -> bool {
        if versions == self.versions {
            return true;
        }
        let count = self.versions.len();
        // Most often it goes on as before and ends otherwise, or the next one stood right behind the one before.
        let as_before = versions
            .iter()
            .zip(&self.versions)
            .take_while(|(one, other)| one == other);
        let mut behind = as_before.count();
        let array = self.array.slice(0, behind as u32);
        for (place, version) in versions.iter().enumerate().skip(behind) {
            let mut places = (behind..count).chain(0..behind);
            let object = match places.find(|old| self.versions.get(*old) == Some(version)) {
                Some(old) => {
                    behind = old + 1;
                    self.array.get(old as u32)
                }
                None => message(place),
            };
            array.push(&object);
        }
        *self = Messages { versions, array };
        false
    }
}

fn made(message: Option<&ChatMessage>) -> JsValue {
    message.map_or(JsValue::NULL, to_js)
}

fn copy(object: &JsValue) -> Object {
    Object::assign(&Object::new(), object.unchecked_ref())
}
