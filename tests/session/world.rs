//! A session in a world of its own: virtual time, a scripted server, storage in a map.

use std::collections::BTreeMap;

use production_chat::outbox;
use production_chat::session::{
    AccountSnapshot, ClientOptions, ConversationSnapshot, Draft, Effect, Input, Moment, QuotaAlert, Random, Reply,
    Request, RequestId, Session,
};
use serde_json::{Value, json};

pub use crate::server::*;

pub const START: u64 = 1_750_000_000_000;
pub const USER: &str = "11111111-1111-4111-8111-111111111111";
pub const CONVERSATION: &str = "22222222-2222-4222-8222-222222222222";
pub const ANSWER: &str = "33333333-3333-4333-8333-333333333333";

/// A generator that replays.
pub struct Seeded(pub u64);

impl Random for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 33) as u8;
        }
    }
}

pub struct World {
    pub session: Session,
    pub now: u64,
    pub random: Seeded,
    /// Requests on the wire.
    pub wire: Vec<Request>,
    pub aborted: Vec<RequestId>,
    /// Every time a token was asked for: whether a newer one was wanted.
    pub asked: Vec<bool>,
    /// The number of the last ask.
    pub ask: u32,
    pub storage: BTreeMap<String, String>,
    /// Storage takes nothing more.
    pub is_full: bool,
    pub told: Vec<String>,
    pub alerts: Vec<QuotaAlert>,
    /// Another tab lives beside this one; else those of earlier are gone.
    pub has_neighbour: bool,
}

pub fn options() -> ClientOptions {
    serde_json::from_value(json!({ "supabaseUrl": "http://project", "supabaseKey": "key" })).unwrap()
}

impl World {
    /// A session that has asked for a token.
    pub fn new(options: ClientOptions) -> World {
        World::with_storage(options, BTreeMap::new())
    }

    /// The same, where an earlier one has left something.
    pub fn with_storage(options: ClientOptions, storage: BTreeMap<String, String>) -> World {
        World::born(options, storage, 7)
    }

    /// Signed in, beside another tab. Each has a number of its own.
    pub fn neighbour(number: u64) -> World {
        let mut world = World::born(options(), BTreeMap::new(), number).sign_in();
        world.has_neighbour = true;
        world.told.clear();
        world
    }

    fn born(options: ClientOptions, storage: BTreeMap<String, String>, seed: u64) -> World {
        let mut world = World {
            session: Session::new(&options, true).unwrap(),
            now: START,
            random: Seeded(seed),
            wire: Vec::new(),
            aborted: Vec::new(),
            asked: Vec::new(),
            ask: 0,
            storage,
            is_full: false,
            told: Vec::new(),
            alerts: Vec::new(),
            has_neighbour: false,
        };
        world.act(|session, at| session.start(at));
        world
    }

    /// Signed in, the account and an empty conversation list read.
    pub fn ready() -> World {
        World::new(options()).sign_in()
    }

    pub fn sign_in(mut self) -> World {
        self.give_token(token(USER));
        self.reply("quota_status", 200, &status(usage(1)));
        self.reply(
            "list_conversations",
            200,
            &json!({ "conversations": [], "hasMore": false }),
        );
        self
    }

    pub fn act<T>(&mut self, command: impl FnOnce(&mut Session, &mut Moment) -> T) -> T {
        let result = command(
            &mut self.session,
            &mut Moment {
                now: self.now,
                random: &mut self.random,
            },
        );
        for effect in self.session.effects() {
            match effect {
                Effect::Fetch(request) => self.wire.push(request),
                Effect::Abort(id) => {
                    self.wire.retain(|request| request.id != id);
                    self.aborted.push(id);
                }
                Effect::AskToken { ask, refresh } => {
                    self.ask = ask;
                    self.asked.push(refresh);
                }
                Effect::LoadOutbox { user_id } => {
                    let wanted = |key: &String| outbox::is_key(key) && outbox::belongs_to(key, &user_id);
                    let stored = self.storage.iter().filter(|(key, _)| wanted(key));
                    let stored = stored.map(|(key, text)| (key.clone(), text.clone())).collect();
                    self.feed(Input::Stored(stored));
                }
                Effect::Forget { user_id } => self.storage.retain(|key, _| !outbox::belongs_to(key, &user_id)),
                Effect::Store { .. } if self.is_full => self.feed(Input::StorageFailed),
                Effect::Store { key, text } => drop(self.storage.insert(key, text)),
                Effect::Unstore { key } => drop(self.storage.remove(&key)),
                Effect::SetAside { from, to, text } => {
                    self.storage.remove(&from);
                    self.storage.insert(to, text);
                }
                Effect::Tell { text } => self.told.push(text),
                Effect::Live { .. } => {}
                Effect::AwaitEnd { .. } if self.has_neighbour => {}
                Effect::AwaitEnd { tab } => self.feed(Input::TabEnded(tab)),
                Effect::Alert(alert) => self.alerts.push(alert),
                Effect::Changed { .. } => {}
            }
        }
        result
    }

    pub fn feed(&mut self, input: Input) {
        self.act(|session, at| session.handle(input, at));
    }

    /// The app's answer to the last ask.
    pub fn give_token(&mut self, token: String) {
        self.feed(Input::Token(self.ask, Some(token)));
    }

    /// The app says that nobody is signed in any more.
    pub fn give_nobody(&mut self) {
        self.act(|session, _| session.access_token_changed());
        self.feed(Input::Token(self.ask, None));
    }

    /// The one request on the wire whose path contains `path`.
    pub fn on_wire(&self, path: &str) -> Request {
        let mut found = self.wire.iter().filter(|request| request.path.contains(path));
        let request = found
            .next()
            .unwrap_or_else(|| panic!("no {path} on the wire: {:?}", self.paths()));
        assert!(found.next().is_none(), "{path} is on the wire twice");
        request.clone()
    }

    pub fn paths(&self) -> Vec<&str> {
        self.wire.iter().map(|request| request.path.as_str()).collect()
    }

    fn take(&mut self, path: &str) -> Request {
        let request = self.on_wire(path);
        self.wire.retain(|it| it.id != request.id);
        request
    }

    pub fn reply(&mut self, path: &str, status: u16, body: &Value) {
        self.reply_text(path, status, None, &body.to_string());
    }

    pub fn reply_text(&mut self, path: &str, status: u16, retry_after: Option<&str>, body: &str) {
        let id = self.take(path).id;
        let content_type = if status < 400 {
            "application/json"
        } else {
            "application/problem+json"
        };
        self.feed(Input::Reply(Reply {
            id,
            status,
            content_type: content_type.to_owned(),
            retry_after: retry_after.map(str::to_owned),
            body: body.to_owned(),
        }));
    }

    pub fn lose(&mut self, path: &str) {
        let id = self.take(path).id;
        self.feed(Input::Lost(id));
    }

    /// Opens the stream asked for and says something in it.
    pub fn open_stream(&mut self, path: &str, text: &str) -> RequestId {
        let id = self.take(path).id;
        self.feed(Input::StreamOpened(id));
        self.say(id, text);
        id
    }

    pub fn say(&mut self, id: RequestId, text: &str) {
        self.feed(Input::Chunk(id, text.as_bytes().to_vec()));
    }

    pub fn end(&mut self, id: RequestId) {
        self.feed(Input::StreamEnded(id));
    }

    /// Lets time pass, ringing whenever the session asked for it.
    pub fn pass(&mut self, millis: u64) {
        let end = self.now + millis;
        for _ in 0..10_000 {
            match self.session.next_timeout().filter(|at| *at <= end) {
                Some(at) => {
                    self.now = self.now.max(at);
                    self.feed(Input::Timeout);
                }
                None => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("the session asks to be woken without end");
    }

    pub fn account(&self) -> AccountSnapshot {
        self.session.account(self.now)
    }

    pub fn conversation(&self, id: &str) -> ConversationSnapshot {
        self.session.conversation(id, self.now)
    }

    pub fn send(&mut self, conversation_id: &str, text: &str) -> String {
        let draft = draft(conversation_id, text);
        self.act(|session, at| session.send(&draft, at)).unwrap()
    }

    /// Opens a conversation of the server's with one page.
    pub fn open(&mut self, page: &Value) {
        let id = page["conversation"]["id"].as_str().unwrap().to_owned();
        self.act(|session, at| session.open(&id, at));
        self.reply("get_messages_paginated", 200, page);
    }
}

pub fn draft(conversation_id: &str, text: &str) -> Draft {
    Draft {
        conversation_id: conversation_id.to_owned(),
        text: text.to_owned(),
        ..Draft::default()
    }
}
