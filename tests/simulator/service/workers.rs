//! Workers that answer turns, each with its fate.

use production_chat::Millis;
use production_chat::message::MessageStatus;

use super::Service;
use crate::law::State;

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

pub(super) struct Worker {
    attempt: u32,
    fate: Fate,
    answer: String,
    pieces: Vec<String>,
    flushed_at: Millis,
}

impl Service {
    pub(super) fn begin_work(&mut self, id: &str, fate: Fate) {
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
}
