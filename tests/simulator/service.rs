//! The edge function and PostgREST: routes, tokens, workers that answer turns, and who listens to them.

use std::collections::BTreeMap;

use production_chat::Millis;
use production_chat::message::{Conversation, Message, MessageStatus};
use production_chat::problem::{Problem, ProblemCode};
use production_chat::session::Request;
use production_chat::usage::UsageSnapshot;
use serde::Serialize;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::law::{Law, Post, Reserved, State};

/// A token the app was given.
#[derive(Debug, Clone)]
struct Grant {
    user: String,
    expires_at: Millis,
}

/// Whoever listens to a turn.
struct Listener {
    turn: String,
    /// Bytes of the answer that were said.
    have: usize,
    /// It asked for the turn: it hears every piece, the others what was flushed.
    first: bool,
}

/// What becomes of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Answers,
    /// The provider fails before the first word.
    FailsBefore,
    /// The provider fails in mid-answer.
    FailsWithin,
    /// The worker dies before it dispatches.
    DiesBefore,
    /// The worker dies in mid-answer.
    DiesWithin,
    /// The worker cannot reach the database for a while; the turn expires and is corrected.
    IsLate,
}

struct Worker {
    attempt: u32,
    fate: Fate,
    answer: String,
    pieces: Vec<String>,
    flushed_at: Millis,
}

/// Something said on a connection.
pub struct Said {
    pub wire: u64,
    pub text: String,
    pub last: bool,
    /// The usage it carries: whose, and its version.
    pub usage: Option<(String, u64)>,
}

/// The head of a reply. What a stream says follows as [`Said`].
pub enum Answer {
    Whole {
        status: u16,
        content_type: &'static str,
        retry_after: Option<String>,
        body: String,
        usage: Option<(String, u64)>,
    },
    Stream,
}

pub struct Service {
    pub law: Law,
    /// How turns fare: weights.
    pub fates: Vec<(u64, Fate)>,
    /// Every token is refused: a key was rotated, say.
    pub refuses_tokens: bool,
    pub said: Vec<Said>,
    /// When which worker has to do something.
    pub wakes: Vec<(Millis, String)>,
    /// How often each turn was sent here.
    pub posts: BTreeMap<String, u32>,
    grants: BTreeMap<String, Grant>,
    listeners: BTreeMap<u64, Listener>,
    workers: BTreeMap<String, Worker>,
    dice: Dice,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Accepted<'a> {
    turn: Value,
    conversation: Option<&'a Conversation>,
    user_message: Option<&'a Message>,
    from: usize,
    usage: UsageSnapshot,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Delta<'a> {
    turn_id: &'a str,
    offset: usize,
    text: &'a str,
}

impl<'a> Delta<'a> {
    fn new(turn_id: &'a str, offset: usize, text: &'a str) -> Self {
        Delta { turn_id, offset, text }
    }
}

#[derive(Serialize)]
struct Done {
    turn: Value,
    message: Message,
    usage: UsageSnapshot,
}

impl Service {
    pub fn new(law: Law, dice: Dice) -> Service {
        Service {
            law,
            fates: vec![(1, Fate::Answers)],
            refuses_tokens: false,
            said: Vec::new(),
            wakes: Vec::new(),
            posts: BTreeMap::new(),
            grants: BTreeMap::new(),
            listeners: BTreeMap::new(),
            workers: BTreeMap::new(),
            dice,
        }
    }

    /// A token for a user.
    pub fn grant(&mut self, user: &str, lasts: Millis) -> String {
        let expires_at = self.law.now + lasts;
        let number = self.grants.len();
        let claims = json!({ "sub": user, "exp": expires_at / 1_000, "n": number }).to_string();
        let token = format!("head.{}.{number}", base64url(claims.as_bytes()));
        let grant = Grant {
            user: user.to_owned(),
            expires_at,
        };
        self.grants.insert(token.clone(), grant);
        token
    }

    /// Whom a token was given to.
    pub fn user_of(&self, token: &str) -> Option<String> {
        self.grants.get(token).map(|grant| grant.user.clone())
    }

    /// Nobody hears this connection any more.
    pub fn hang_up(&mut self, wire: u64) {
        self.listeners.remove(&wire);
    }

    pub fn answer(&mut self, request: &Request, wire: u64) -> Answer {
        let now = self.law.now;
        let grant = self
            .grants
            .get(&request.token)
            .filter(|grant| grant.expires_at > now && !self.refuses_tokens);
        let Some(user) = grant.map(|grant| grant.user.clone()) else {
            if request.path.starts_with("/rest/") {
                let body = json!({ "code": "PGRST301", "message": "JWT expired", "details": null, "hint": null });
                return whole(401, "application/json", body.to_string(), None);
            }
            return refusal(Problem::new(ProblemCode::Unauthenticated, 401, "Sign in."));
        };
        let body: Value = request
            .body
            .as_deref()
            .map_or(Value::Null, |body| serde_json::from_str(body).unwrap());
        match request.path.split('?').next().unwrap() {
            "/rest/v1/rpc/quota_status" => {
                let version = self.law.books[&user].version;
                self.reply(&self.law.status(&user), Some((user, version)))
            }
            "/rest/v1/rpc/list_conversations" => {
                let before = body["p_before_updated_at"]
                    .as_u64()
                    .map(|at| (at, text(&body, "p_before_id")));
                let limit = body["p_limit"].as_u64().unwrap() as usize;
                let (conversations, has_more) = self.law.list(&user, before, limit);
                self.reply(&json!({ "conversations": conversations, "hasMore": has_more }), None)
            }
            "/rest/v1/rpc/get_messages_paginated" => {
                let limit = body["p_limit"].as_u64().unwrap() as usize;
                let id = text(&body, "p_conversation_id");
                match self.law.page(&user, &id, body["p_before"].as_u64(), limit) {
                    Some(page) => self.reply(&page, None),
                    None => unknown_to_postgrest(),
                }
            }
            "/rest/v1/rpc/rename_conversation" => {
                match self.law.rename(&user, &text(&body, "p_id"), &text(&body, "p_title")) {
                    Some(conversation) => self.reply(&conversation, None),
                    None => unknown_to_postgrest(),
                }
            }
            "/rest/v1/rpc/delete_conversation" => {
                let deleted = self.law.delete(&user, &text(&body, "p_id"));
                self.reply(&json!({ "deleted": deleted }), None)
            }
            "/chat" => self.chat(&user, &body, wire),
            path => {
                let rest = path.strip_prefix("/chat/turns/").unwrap();
                match rest.strip_suffix("/stop") {
                    Some(id) => self.stop(&user, id),
                    None => {
                        let after = request.path.split("after=").nth(1).unwrap();
                        let after = after.split('&').next().unwrap().parse().unwrap();
                        self.resume(&user, rest, after, wire)
                    }
                }
            }
        }
    }

    fn reply(&self, body: &impl Serialize, usage: Option<(String, u64)>) -> Answer {
        whole(200, "application/json", serde_json::to_string(body).unwrap(), usage)
    }

    fn chat(&mut self, user: &str, body: &Value, wire: u64) -> Answer {
        let post = Post {
            id: text(body, "id"),
            conversation: text(body, "conversationId"),
            new_conversation: body["newConversation"].as_bool().unwrap(),
            agent: text(body, "agent"),
            submits: body["trigger"] == "submit-message",
            content: text(body, "content"),
            files: body["files"].as_u64().unwrap(),
        };
        *self.posts.entry(post.id.clone()).or_insert(0) += 1;
        let usage = |this: &Service| Some(this.law.usage(user));
        let mut problem = match self.law.reserve(user, &post) {
            Reserved::Turn { made } => return self.reserved(user, &post.id, made, wire),
            Reserved::Busy(live) => Problem {
                turn_id: Some(live),
                ..Problem::new(ProblemCode::ConversationBusy, 409, "Busy.")
            },
            Reserved::Denied(verdict) => denied(*verdict, self.law.now),
            Reserved::IdReused => return refusal(Problem::new(ProblemCode::IdReused, 422, "Used.")),
            Reserved::NotFound => return refusal(Problem::new(ProblemCode::NotFound, 404, "Unknown.")),
            Reserved::Invalid(pointer) => {
                let mut problem = Problem::new(ProblemCode::InvalidRequest, 400, "Wrong.");
                let error = json!({ "pointer": pointer, "detail": "Wrong." });
                problem.errors = vec![serde_json::from_value(error).unwrap()];
                return refusal(problem);
            }
        };
        problem.usage = usage(self);
        refusal(problem)
    }

    fn reserved(&mut self, user: &str, id: &str, made: bool, wire: u64) -> Answer {
        let state = self.law.turns[id].state;
        if state == State::Held {
            let fate = self.dice.weighted(&self.fates);
            if fate == Fate::DiesBefore && made {
                // Whoever asked hears nothing more; the connection breaks.
                return whole(502, "text/html", "<html>Bad gateway</html>".to_owned(), None);
            }
            self.law.dispatch(id);
            self.listen(wire, id, 0, true);
            self.accept(wire, id, 0);
            self.begin_work(id, fate);
            return Answer::Stream;
        }
        if state == State::Dispatched {
            let problem = Problem {
                turn_id: Some(id.to_owned()),
                usage: Some(self.law.usage(user)),
                ..Problem::new(ProblemCode::TurnInProgress, 409, "In progress.")
            };
            return refusal(problem);
        }
        self.listen(wire, id, 0, true);
        self.accept(wire, id, 0);
        self.conclude(wire);
        Answer::Stream
    }

    fn resume(&mut self, user: &str, id: &str, after: usize, wire: u64) -> Answer {
        if !self.law.may_read(user, id) {
            return refusal(Problem::new(ProblemCode::NotFound, 404, "Unknown."));
        }
        let turn = &self.law.turns[id];
        let text = match self.law.stored(&turn.conversation, &turn.answer_id) {
            Some(message) => &message.content,
            None => &turn.partial,
        };
        let mut from = after.min(text.len());
        while !text.is_char_boundary(from) {
            from -= 1;
        }
        let is_live = turn.state.is_live();
        self.listen(wire, id, from, false);
        self.accept(wire, id, from);
        if is_live {
            self.catch_up(wire);
            // The edge function reads along; it is what finds a silent worker.
            self.wakes.push((self.law.now + 31_000, id.to_owned()));
        } else {
            self.conclude(wire);
        }
        Answer::Stream
    }

    fn stop(&mut self, user: &str, id: &str) -> Answer {
        if !self.law.stop(user, id) {
            return refusal(Problem::new(ProblemCode::NotFound, 404, "Unknown."));
        }
        let version = self.law.books[user].version;
        let body = json!({ "turn": self.law.turn_json(id), "usage": self.law.usage(user) });
        if self.dice.chance(500) {
            // The worker runs in the same process and hears of it at once.
            self.wakes.push((self.law.now, id.to_owned()));
        }
        self.conclude_all(id);
        self.reply(&body, Some((user.to_owned(), version)))
    }

    fn begin_work(&mut self, id: &str, fate: Fate) {
        let turn = &self.law.turns[id];
        let letter = turn.user.chars().next().unwrap();
        let words = self.dice.between(1, 6);
        let pieces = (0..words).map(|n| format!("{letter}! {}{n} é", self.dice.below(100)));
        let worker = Worker {
            attempt: turn.attempt,
            fate,
            answer: String::new(),
            pieces: pieces.rev().collect(),
            flushed_at: self.law.now,
        };
        self.workers.insert(id.to_owned(), worker);
        let pause = self.dice.between(100, 3_000);
        self.wakes.push((self.law.now + pause, id.to_owned()));
    }

    /// A worker's, or a follower's, next step.
    pub fn wake(&mut self, id: &str) {
        let followed = self.listeners.values().any(|listener| listener.turn == id);
        let Some(mut worker) = self.workers.remove(id) else {
            if followed {
                self.law.expire_if_silent(id);
                self.conclude_all(id);
                if self.law.turns[id].state.is_live() {
                    self.wakes.push((self.law.now + 5_000, id.to_owned()));
                }
            }
            return;
        };
        let turn = &self.law.turns[id];
        if turn.attempt != worker.attempt || !matches!(turn.state, State::Dispatched | State::ExpiredCharged) {
            self.conclude_all(id);
            return;
        }
        if turn.stop_requested {
            self.law.settle(id, &worker.answer, MessageStatus::Stopped);
            self.conclude_all(id);
            return;
        }
        let halfway = worker.pieces.len() <= 2;
        match worker.fate {
            Fate::FailsBefore => {
                self.law.release(id);
                self.conclude_all(id);
                return;
            }
            Fate::FailsWithin if halfway && !worker.answer.is_empty() => {
                self.law.settle(id, &worker.answer, MessageStatus::Stopped);
                self.conclude_all(id);
                return;
            }
            Fate::DiesWithin if halfway => {
                // Its connections end; only the database knows of the turn.
                let heard: Vec<u64> = self
                    .listeners
                    .iter()
                    .filter(|(_, it)| it.turn == id && it.first)
                    .map(|(wire, _)| *wire)
                    .collect();
                for wire in heard {
                    self.hang_up(wire);
                    self.say(wire, String::new(), true, None);
                }
                self.wakes.push((self.law.now + 31_000, id.to_owned()));
                return;
            }
            _ => {}
        }
        let Some(piece) = worker.pieces.pop() else {
            self.law.settle(id, &worker.answer, MessageStatus::Complete);
            self.conclude_all(id);
            return;
        };
        worker.answer.push_str(&piece);
        if turn.streaming {
            self.tell_first(id, &worker.answer);
        }
        let late = worker.fate == Fate::IsLate && halfway;
        if self.law.now >= worker.flushed_at + 1_000 && !late {
            self.law.flush(id, worker.attempt, &worker.answer);
            worker.flushed_at = self.law.now;
            let followers: Vec<u64> = self
                .listeners
                .iter()
                .filter(|(_, it)| it.turn == id && !it.first)
                .map(|(wire, _)| *wire)
                .collect();
            for wire in followers {
                self.catch_up(wire);
            }
        }
        let pause = if late {
            20_000
        } else {
            self.dice
                .weighted(&[(6, 200), (4, 900), (2, 2_500), (1, 9_000), (1, 17_000)])
        };
        self.wakes.push((self.law.now + pause, id.to_owned()));
        self.workers.insert(id.to_owned(), worker);
    }

    fn listen(&mut self, wire: u64, turn: &str, have: usize, first: bool) {
        let turn = turn.to_owned();
        self.listeners.insert(wire, Listener { turn, have, first });
    }

    fn say(&mut self, wire: u64, text: String, last: bool, usage: Option<(String, u64)>) {
        self.said.push(Said {
            wire,
            text,
            last,
            usage,
        });
    }

    fn accept(&mut self, wire: u64, id: &str, from: usize) {
        let turn = &self.law.turns[id];
        let conversation = self.law.rooms.get(&turn.conversation).map(|room| &room.conversation);
        let user_message = self.law.stored(&turn.conversation, id).filter(|_| turn.submits);
        let user = turn.user.clone();
        let usage = self.law.usage(&user);
        let version = usage.version;
        let data = Accepted {
            turn: self.law.turn_json(id),
            conversation,
            user_message,
            from,
            usage,
        };
        let text = event("accepted", &data);
        self.say(wire, text, false, Some((user, version)));
    }

    fn tell_first(&mut self, id: &str, answer: &str) {
        let mut deltas = Vec::new();
        for (wire, listener) in self.listeners.iter_mut().filter(|(_, it)| it.turn == id && it.first) {
            let data = Delta::new(id, listener.have, &answer[listener.have..]);
            listener.have = answer.len();
            deltas.push((*wire, event("delta", &data)));
        }
        for (wire, text) in deltas {
            self.say(wire, text, false, None);
        }
    }

    fn catch_up(&mut self, wire: u64) {
        let Some(listener) = self.listeners.get_mut(&wire) else {
            return;
        };
        let turn = &self.law.turns[&listener.turn];
        if turn.streaming && turn.partial.len() > listener.have {
            let data = Delta::new(&turn.id, listener.have, &turn.partial[listener.have..]);
            listener.have = turn.partial.len();
            self.say(wire, event("delta", &data), false, None);
        }
    }

    fn conclude_all(&mut self, id: &str) {
        if self.law.turns[id].state.is_live() {
            return;
        }
        let wires: Vec<u64> = self
            .listeners
            .iter()
            .filter(|(_, it)| it.turn == id)
            .map(|(wire, _)| *wire)
            .collect();
        for wire in wires {
            self.conclude(wire);
        }
    }

    /// A turn that has ended is told: `done`, or `error` with the refund.
    fn conclude(&mut self, wire: u64) {
        let Some(listener) = self.listeners.remove(&wire) else {
            return;
        };
        let turn = self.law.turns[&listener.turn].clone();
        let usage = self.law.usage(&turn.user);
        let carried = Some((turn.user.clone(), usage.version));
        let message = self.law.stored(&turn.conversation, &turn.answer_id).cloned();
        if let (State::Settled | State::ExpiredCharged, Some(message)) = (turn.state, message) {
            let have = listener.have.min(message.content.len());
            if have < message.content.len() {
                let data = Delta::new(&turn.id, have, &message.content[have..]);
                self.say(wire, event("delta", &data), false, None);
            }
            let data = Done {
                turn: self.law.turn_json(&turn.id),
                message,
                usage,
            };
            self.say(wire, event("done", &data), true, carried);
            return;
        }
        let problem = if turn.state == State::Released {
            Problem {
                refunded_micro_usd: Some(turn.hold),
                usage: Some(usage),
                ..Problem::new(ProblemCode::ProviderUnavailable, 503, "Nothing was charged.")
            }
        } else {
            Problem {
                usage: Some(usage),
                ..Problem::new(
                    ProblemCode::Internal,
                    500,
                    "The answer was interrupted and could not be kept.",
                )
            }
        };
        self.say(wire, event("error", &problem), true, carried);
    }
}

fn whole(status: u16, content_type: &'static str, body: String, usage: Option<(String, u64)>) -> Answer {
    Answer::Whole {
        status,
        content_type,
        retry_after: None,
        body,
        usage,
    }
}

/// A problem as the edge function answers it.
pub fn refusal(problem: Problem) -> Answer {
    Answer::Whole {
        status: problem.status,
        content_type: "application/problem+json",
        retry_after: problem.retry_after.map(|seconds| seconds.to_string()),
        usage: problem
            .usage
            .as_ref()
            .map(|usage| (usage.organization.id.clone(), usage.version)),
        body: serde_json::to_string(&problem).unwrap(),
    }
}

fn denied(verdict: production_chat::quota::Verdict, now: Millis) -> Problem {
    let lasting = verdict.reason.is_some_and(|reason| !reason.lifts_with_time());
    let (code, status) = if lasting {
        (ProblemCode::NotAllowed, 403)
    } else {
        (ProblemCode::QuotaExceeded, 429)
    };
    let retry_after = verdict
        .retry_at
        .filter(|_| !lasting)
        .map(|at| at.saturating_sub(now).div_ceil(1_000).max(1));
    Problem {
        violations: verdict.violations.clone(),
        verdict: Some(verdict),
        retry_after,
        ..Problem::new(code, status, "A limit is reached.")
    }
}

fn unknown_to_postgrest() -> Answer {
    let body = json!({ "code": "PT404", "message": "Unknown conversation.", "details": null, "hint": null });
    whole(404, "application/json", body.to_string(), None)
}

fn event(name: &str, data: &impl Serialize) -> String {
    format!("event: {name}\ndata: {}\n\n", serde_json::to_string(data).unwrap())
}

fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap_or_default().to_owned()
}

fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            text.push(char::from(LETTERS[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}
