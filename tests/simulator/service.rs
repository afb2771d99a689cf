//! The edge function and PostgREST: what each route answers, and to whom.

mod replies;
mod tokens;
mod words;
mod workers;

use std::collections::BTreeMap;

use production_chat::Millis;
use production_chat::problem::{Problem, ProblemCode};
use production_chat::session::Request;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::law::{Law, Post, Reserved, State};
use replies::{denied, unknown_to_postgrest, whole};
use tokens::Grant;
use words::{Listener, Said};
use workers::Worker;

pub use replies::{Answer, refusal};
pub use workers::Fate;

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
}

fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap_or_default().to_owned()
}
