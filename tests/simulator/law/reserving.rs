//! `reserve_turn`: a message comes, and the law takes it, denies it, or says that it was there before.

use production_chat::Millis;
use production_chat::cost::{Calibration, estimate};
use production_chat::message::{Conversation, Message, MessageStatus, Role};
use production_chat::quota::{Basis, QuotaRequest, Verdict, check};

use super::{Law, Room, Row, State, Turn, shown};

/// Bytes of the system prompt.
const SYSTEM_BYTES: u64 = 120;
const STALE_AFTER: Millis = 900_000;

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

impl Law {
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
