//! Replies on their way back: the server's own, mangled ones, and problems the network makes up.

use production_chat::Millis;
use production_chat::problem::{Problem, ProblemCode};
use production_chat::session::{Input, Reply, Request, RequestId};
use serde_json::json;

use super::turn_of;
use crate::service::{Answer, refusal};
use crate::world::{START, World};

impl World {
    /// A problem that has nothing to do with the request; never a plausible lie: what the server has, nobody denies.
    pub(super) fn any_problem(&mut self, request: &Request) -> Answer {
        let (mut code, mut status) = self.dice.weighted(&[
            (6, (ProblemCode::Unavailable, 503)),
            (3, (ProblemCode::Internal, 500)),
            (2, (ProblemCode::ProviderUnavailable, 503)),
            (1, (ProblemCode::Unauthenticated, 401)),
            (1, (ProblemCode::IdReused, 422)),
        ]);
        if turn_of(request).is_some_and(|turn| self.service.law.has(&turn) || self.is_on_its_way(&turn)) {
            (code, status) = (ProblemCode::Unavailable, 503);
        }
        let mut problem = Problem::new(code, status, "Try again in a moment.");
        if status == 503 {
            problem.retry_after = self.dice.chance(500).then(|| self.dice.between(1, 20));
        }
        refusal(problem)
    }

    pub(super) fn retry_after(&mut self, status: u16) -> Option<String> {
        if !matches!(status, 429 | 503) {
            return None;
        }
        if self.dice.chance(500) {
            return Some(self.dice.between(1, 30).to_string());
        }
        self.coverage.count("network: retry-after as a date");
        let seconds = (self.now - START) / 1_000 + self.dice.between(0, 30);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        Some(format!("Mon, 16 Jun 2025 {hour:02}:{minute:02}:{second:02} GMT"))
    }

    pub(super) fn reply_later(&mut self, wire: u64, id: RequestId, delay: Millis, answer: Answer) {
        let Answer::Whole {
            status,
            content_type,
            retry_after,
            mut body,
            mut usage,
        } = answer
        else {
            return;
        };
        if self.wires.get(&wire).is_some_and(|wire| wire.mangles) {
            body = self.mangle(&body);
            usage = None;
        }
        let reply = Reply {
            id,
            status,
            content_type: content_type.to_owned(),
            retry_after,
            body,
        };
        self.give_with(wire, delay, Input::Reply(reply), true, usage);
    }

    /// Cut short, or not what was agreed, or no JSON at all; never a plausible lie.
    pub(super) fn mangle(&mut self, body: &str) -> String {
        match self.dice.below(5) {
            0 => String::new(),
            1 => body.chars().take(body.len() / 2).collect(),
            2 => "[".repeat(10_000),
            3 => json!({ "usage": { "version": -1 }, "conversation": [], "messages": "none" }).to_string(),
            _ => body.replace("\"id\"", "\"di\"").replace("\"usage\"", "\"u\""),
        }
    }
}
