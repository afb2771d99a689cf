//! The law, as far as a client can tell it from Postgres: turns, limits, charges, pages (docs/protocol.md).
//!
//! It is written from the protocol and the migrations, and it is strict with itself: a turn charged twice or an answer
//! written twice ends the run.

mod counting;
mod reading;
mod turns;

use std::collections::BTreeMap;

use production_chat::Millis;
use production_chat::cost::{Calibration, Price, estimate};
use production_chat::license::{License, LicenseStatus, Quotas};
use production_chat::message::{Conversation, Message, MessagePage, MessageStatus, Role};
use production_chat::quota::{Basis, QuotaRequest, Verdict, check};
use production_chat::usage::{Counter, HOUR, OrgRole, Organization, PooledCounter, UsageSnapshot};
use serde_json::{Value, json};

const DAY: Millis = 86_400_000;
/// Bytes of the system prompt.
const SYSTEM_BYTES: u64 = 120;
/// A dispatched turn whose worker says nothing for so long is given up.
const SILENT_AFTER: Millis = 30_000;
/// One that nobody dispatched.
const UNDISPATCHED_AFTER: Millis = 90_000;
const STALE_AFTER: Millis = 900_000;

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

/// What `reserve_turn` says.
pub enum Reserved {
    /// The turn as it stands; `made`: this call made the hold.
    Turn {
        made: bool,
    },
    Busy(String),
    Denied(Box<Verdict>),
    IdReused,
    NotFound,
    Invalid(&'static str),
}

/// A message to be sent.
pub struct Post {
    pub id: String,
    pub conversation: String,
    pub new_conversation: bool,
    pub agent: String,
    pub submits: bool,
    pub content: String,
    pub files: u64,
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

    pub fn reserve(&mut self, user: &str, post: &Post) -> Reserved {
        if post.submits && (post.content.trim().is_empty() || post.content.len() > 16_000) {
            return Reserved::Invalid("/content");
        }
        let fingerprint = format!(
            "{}|{}|{}|{}|{}",
            post.conversation, post.submits, post.agent, post.files, post.content
        );
        if let Some(known) = self.turns.get(&post.id)
            && (known.user != user || known.fingerprint != fingerprint)
        {
            return Reserved::IdReused;
        }
        let stale: Vec<String> = self
            .turns
            .values()
            .filter(|turn| turn.user == user && turn.state.is_live() && turn.created_at + STALE_AFTER < self.now)
            .map(|turn| turn.id.clone())
            .collect();
        for id in stale {
            self.expire(&id);
        }
        self.expire_if_silent(&post.id);
        if self
            .turns
            .get(&post.id)
            .is_some_and(|turn| turn.state != State::Released)
        {
            return Reserved::Turn { made: false };
        }
        let known = self.rooms.get(&post.conversation);
        let is_new = known.is_none() && post.new_conversation && post.submits;
        if !is_new && self.room(user, &post.conversation).is_none() {
            return Reserved::NotFound;
        }
        if let Some(live) = self.live_in(&post.conversation) {
            return Reserved::Busy(live);
        }
        let room = self.rooms.get(&post.conversation);
        let shown: Vec<&Message> = room.map_or_else(Vec::new, |room| shown(room).collect());
        let last_seq = room.map_or(0, |room| room.last_seq);
        let (prompt, replaces) = if post.submits {
            (post.content.clone(), None)
        } else {
            let last = shown.last().filter(|message| message.role == Role::Assistant);
            let prompt = shown.iter().rev().find(|message| message.role == Role::User);
            match (last, prompt) {
                (Some(last), Some(prompt)) => (prompt.content.clone(), Some((last.id.clone(), last.seq))),
                _ => return Reserved::Invalid("/trigger"),
            }
        };
        let quotas = self.books[user].quotas.clone();
        let history: u64 = shown.iter().map(|message| message.content.len() as u64 + 8).sum();
        let bytes = prompt.len() as u64;
        let input = history.min(quotas.context_token_budget) + bytes + 8 + SYSTEM_BYTES;
        let estimate = estimate(
            bytes,
            input,
            quotas.max_output_tokens,
            &self.price,
            &Calibration::default(),
        );
        let request = QuotaRequest {
            agent: post.agent.clone(),
            files: post.files,
            new_conversation: is_new,
            conversation_messages: room.map_or(0, |room| room.conversation.message_count),
            adds_messages: if post.submits { 2 } else { 0 },
            estimate,
        };
        let verdict = check(&request, &self.usage(user), &self.tiers, self.now, Basis::Server);
        if !verdict.allowed {
            if let Some(book) = self.books.get_mut(user) {
                book.refusals += 1;
            }
            return Reserved::Denied(Box::new(verdict));
        }
        let now = self.now;
        let answer_id = self.next_id();
        if is_new {
            let conversation = Conversation {
                id: post.conversation.clone(),
                title: post.content.chars().take(60).collect(),
                agent: post.agent.clone(),
                message_count: 0,
                created_at: now,
                updated_at: now,
            };
            let room = Room {
                user: user.to_owned(),
                conversation,
                rows: Vec::new(),
                last_seq: 0,
                deleted: false,
            };
            self.rooms.insert(post.conversation.clone(), room);
            if let Some(book) = self.books.get_mut(user) {
                book.conversations += 1;
            }
        }
        let added = if post.submits { 2 } else { 1 };
        let room = self.rooms.get_mut(&post.conversation).unwrap();
        room.last_seq = last_seq + added;
        room.conversation.updated_at = room.conversation.updated_at.max(now);
        if post.submits {
            room.conversation.message_count += 2;
            room.rows.push(Row {
                message: Message {
                    id: post.id.clone(),
                    turn_id: post.id.clone(),
                    conversation_id: post.conversation.clone(),
                    seq: last_seq + 1,
                    role: Role::User,
                    content: post.content.clone(),
                    status: MessageStatus::Complete,
                    created_at: now,
                    cost_micro_usd: None,
                },
                superseded: false,
            });
        }
        let attempt = self.turns.get(&post.id).map_or(0, |turn| turn.attempt) + 1;
        let turn = Turn {
            id: post.id.clone(),
            user: user.to_owned(),
            conversation: post.conversation.clone(),
            fingerprint,
            submits: post.submits,
            state: State::Held,
            attempt,
            answer_id,
            user_seq: post.submits.then_some(last_seq + 1),
            answer_seq: last_seq + added,
            replaces,
            streaming: quotas.streaming,
            hold: estimate.max_micro_usd,
            cost: None,
            stop_requested: false,
            created_at: now,
            heard_at: now,
            partial: String::new(),
        };
        self.turns.insert(post.id.clone(), turn);
        self.bump(user);
        Reserved::Turn { made: true }
    }
}

/// What of a conversation pages show.
pub fn shown(room: &Room) -> impl Iterator<Item = &Message> {
    room.rows.iter().filter(|row| !row.superseded).map(|row| &row.message)
}
