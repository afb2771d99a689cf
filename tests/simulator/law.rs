//! The law, as far as a client can tell it from Postgres: turns, limits, charges, pages (docs/protocol.md).
//!
//! It is written from the protocol and the migrations, and it is strict with itself: a turn charged twice or an answer
//! written twice ends the run.

mod counting;
mod reading;
mod reserving;
mod turns;

use std::collections::BTreeMap;

use production_chat::Millis;
use production_chat::cost::Price;
use production_chat::license::{License, LicenseStatus, Quotas};
use production_chat::message::{Conversation, Message, MessagePage, MessageStatus, Role};
use production_chat::usage::{Counter, HOUR, OrgRole, Organization, PooledCounter, UsageSnapshot};
use serde_json::{Value, json};

pub use reserving::{Post, Reserved};

const DAY: Millis = 86_400_000;
/// A dispatched turn whose worker says nothing for so long is given up.
const SILENT_AFTER: Millis = 30_000;
/// One that nobody dispatched.
const UNDISPATCHED_AFTER: Millis = 90_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Held,
    Dispatched,
    Settled,
    Released,
    ExpiredCharged,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Held => "held",
            State::Dispatched => "dispatched",
            State::Settled => "settled",
            State::Released => "released",
            State::ExpiredCharged => "expired_charged",
        }
    }

    pub fn is_live(self) -> bool {
        matches!(self, State::Held | State::Dispatched)
    }
}

/// A turn as the law keeps it.
#[derive(Debug, Clone)]
pub struct Turn {
    pub id: String,
    pub user: String,
    pub conversation: String,
    pub fingerprint: String,
    pub submits: bool,
    pub state: State,
    pub attempt: u32,
    pub answer_id: String,
    pub user_seq: Option<u64>,
    pub answer_seq: u64,
    pub replaces: Option<(String, u64)>,
    pub streaming: bool,
    pub hold: u64,
    pub cost: Option<u64>,
    pub stop_requested: bool,
    pub created_at: Millis,
    pub heard_at: Millis,
    pub partial: String,
}

/// One user's books.
#[derive(Debug, Clone)]
pub struct Book {
    pub quotas: Quotas,
    pub license: License,
    pub version: u64,
    pub conversations: u64,
    pub refusals: u64,
}

#[derive(Debug, Clone)]
pub struct Row {
    pub message: Message,
    pub superseded: bool,
}

#[derive(Debug, Clone)]
pub struct Room {
    pub user: String,
    pub conversation: Conversation,
    pub rows: Vec<Row>,
    pub last_seq: u64,
    pub deleted: bool,
}

pub struct Law {
    pub now: Millis,
    pub books: BTreeMap<String, Book>,
    pub rooms: BTreeMap<String, Room>,
    pub turns: BTreeMap<String, Turn>,
    pub tiers: Vec<Quotas>,
    pub price: Price,
    /// When the day ends, and from then on every 24 hours.
    pub day_ends_at: Millis,
    serial: u64,
}

impl Law {
    pub fn new(now: Millis, day_ends_at: Millis, tiers: Vec<Quotas>) -> Law {
        let price = Price {
            model: "gpt".to_owned(),
            version: 1,
            input_micro_usd_per_million: 150_000,
            cached_input_micro_usd_per_million: 75_000,
            output_micro_usd_per_million: 600_000,
        };
        Law {
            now,
            books: BTreeMap::new(),
            rooms: BTreeMap::new(),
            turns: BTreeMap::new(),
            tiers,
            price,
            day_ends_at,
            serial: 0,
        }
    }

    pub fn enrol(&mut self, user: &str, quotas: Quotas, expires_at: Option<Millis>) {
        let license = License {
            tier: quotas.tier,
            status: LicenseStatus::Active,
            expires_at,
        };
        let book = Book {
            quotas,
            license,
            version: 1,
            conversations: 0,
            refusals: 0,
        };
        self.books.insert(user.to_owned(), book);
    }

    /// A conversation that was there before.
    pub fn furnish(&mut self, user: &str, conversation_id: &str, exchanges: u64) {
        let made_at = self.now - DAY;
        let mut rows = Vec::new();
        for n in 0..exchanges {
            let turn = self.next_id();
            for (place, role) in [(1, Role::User), (2, Role::Assistant)] {
                let id = if role == Role::User {
                    turn.clone()
                } else {
                    self.next_id()
                };
                rows.push(Row {
                    message: Message {
                        id,
                        turn_id: turn.clone(),
                        conversation_id: conversation_id.to_owned(),
                        seq: 2 * n + place,
                        role,
                        content: format!("{user} of old, {n}"),
                        status: MessageStatus::Complete,
                        created_at: made_at + 60_000 * n + place,
                        cost_micro_usd: (role == Role::Assistant).then_some(100),
                    },
                    superseded: false,
                });
            }
        }
        let conversation = Conversation {
            id: conversation_id.to_owned(),
            title: format!("{user} of old"),
            agent: "executive".to_owned(),
            message_count: 2 * exchanges,
            created_at: made_at,
            updated_at: made_at + 60_000 * exchanges,
        };
        self.rooms.insert(
            conversation_id.to_owned(),
            Room {
                user: user.to_owned(),
                conversation,
                rows,
                last_seq: 2 * exchanges,
                deleted: false,
            },
        );
        if let Some(book) = self.books.get_mut(user) {
            book.conversations += 1;
        }
    }

    fn next_id(&mut self) -> String {
        self.serial += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.serial)
    }

    fn day_of(&self, at: Millis) -> i64 {
        (at as i64 - self.day_ends_at as i64).div_euclid(DAY as i64)
    }

    fn bump(&mut self, user: &str) {
        if let Some(book) = self.books.get_mut(user) {
            book.version += 1;
        }
    }

    /// The user pays for another plan from now on.
    pub fn change_plan(&mut self, user: &str, quotas: Quotas) {
        if let Some(book) = self.books.get_mut(user) {
            book.license.tier = quotas.tier;
            book.quotas = quotas;
        }
        self.bump(user);
    }

    fn room(&self, user: &str, id: &str) -> Option<&Room> {
        self.rooms.get(id).filter(|room| room.user == user && !room.deleted)
    }
}

/// What of a conversation pages show.
pub fn shown(room: &Room) -> impl Iterator<Item = &Message> {
    room.rows.iter().filter(|row| !row.superseded).map(|row| &row.message)
}
