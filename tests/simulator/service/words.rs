//! What is said on a stream, and who listens: a turn is accepted, its answer grows, it is done or has failed.

use production_chat::message::{Conversation, Message};
use production_chat::problem::{Problem, ProblemCode};
use production_chat::usage::UsageSnapshot;
use serde::Serialize;
use serde_json::Value;

use super::Service;
use crate::law::State;

/// Whoever listens to a turn.
pub(super) struct Listener {
    pub(super) turn: String,
    /// Bytes of the answer that were said.
    pub(super) have: usize,
    /// It asked for the turn: it hears every piece, the others what was flushed.
    pub(super) first: bool,
}

/// Something said on a connection.
pub struct Said {
    pub wire: u64,
    pub text: String,
    pub last: bool,
    /// The usage it carries: whose, and its version.
    pub usage: Option<(String, u64)>,
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
    /// Nobody hears this connection any more.
    pub fn hang_up(&mut self, wire: u64) {
        self.listeners.remove(&wire);
    }

    pub(super) fn listen(&mut self, wire: u64, turn: &str, have: usize, first: bool) {
        let turn = turn.to_owned();
        self.listeners.insert(wire, Listener { turn, have, first });
    }

    pub(super) fn say(&mut self, wire: u64, text: String, last: bool, usage: Option<(String, u64)>) {
        self.said.push(Said {
            wire,
            text,
            last,
            usage,
        });
    }

    pub(super) fn accept(&mut self, wire: u64, id: &str, from: usize) {
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

    pub(super) fn tell_first(&mut self, id: &str, answer: &str) {
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

    pub(super) fn catch_up(&mut self, wire: u64) {
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

    pub(super) fn conclude_all(&mut self, id: &str) {
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
    pub(super) fn conclude(&mut self, wire: u64) {
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

fn event(name: &str, data: &impl Serialize) -> String {
    format!("event: {name}\ndata: {}\n\n", serde_json::to_string(data).unwrap())
}
