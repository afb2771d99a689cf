//! Connections: what is said on them reaches the tab in order and in pieces, and they are cut.

use production_chat::Millis;
use production_chat::session::Input;

use crate::world::{Happening, World};

impl World {
    pub(super) fn give_later(&mut self, wire: u64, delay: Millis, input: Input, last: bool) {
        self.give_with(wire, delay, input, last, None);
    }

    pub(super) fn give_with(
        &mut self,
        wire: u64,
        delay: Millis,
        input: Input,
        last: bool,
        usage: Option<(String, u64)>,
    ) {
        let Some(held) = self.wires.get_mut(&wire) else { return };
        held.last_at = held.last_at.max(self.now + delay);
        let delay = held.last_at - self.now;
        self.later(
            delay,
            Happening::Give {
                wire,
                input,
                last,
                usage,
            },
        );
    }

    /// What the server said goes on its way.
    pub fn carry_words(&mut self) {
        for (at, turn) in std::mem::take(&mut self.service.wakes) {
            self.later(at.saturating_sub(self.now), Happening::Work(turn));
        }
        for said in std::mem::take(&mut self.service.said) {
            let Some(wire) = self.wires.get(&said.wire) else {
                self.service.hang_up(said.wire);
                continue;
            };
            let (id, mangles) = (wire.id, wire.mangles);
            let mut text = said.text;
            let mut usage = said.usage;
            if mangles && self.dice.chance(300) {
                text = format!("event: delta\ndata: {}\n\n", self.mangle("{}"));
                usage = None;
            }
            let delay = self.dice.between(5, 100);
            let bytes = text.into_bytes();
            let split = match self.dice.chance(300) {
                true => self.dice.below(bytes.len() as u64 + 1) as usize,
                false => 0,
            };
            for part in [&bytes[..split], &bytes[split..]] {
                if !part.is_empty() {
                    // The event ends with its last bytes.
                    let carried = usage.clone().filter(|_| part.ends_with(b"\n\n"));
                    self.give_with(said.wire, delay, Input::Chunk(id, part.to_vec()), false, carried);
                }
            }
            if said.last {
                self.give_later(said.wire, delay, Input::StreamEnded(id), true);
            }
        }
    }

    pub fn keep_alive(&mut self, wire: u64) {
        let Some(id) = self.wires.get(&wire).map(|wire| wire.id) else {
            return;
        };
        self.give_later(wire, 10, Input::Chunk(id, b": keep-alive\n\n".to_vec()), false);
        self.later(15_000, Happening::KeepAlive(wire));
    }

    /// A connection breaks. In silence: the tab is not told.
    pub fn cut(&mut self, wire: u64, silently: bool) {
        let Some(id) = self.wires.get(&wire).map(|wire| wire.id) else {
            return;
        };
        self.service.hang_up(wire);
        if silently {
            self.coverage.count("network: cut in silence");
            // Nothing more comes, yet the tab still counts it as open.
            let tab = self.wires.remove(&wire).map(|wire| wire.tab);
            let dead = u64::MAX - wire;
            if let Some(tab) = tab {
                self.tabs[tab].wires.insert(id, dead);
            }
        } else {
            self.coverage.count("network: cut");
            self.give_later(wire, 1, Input::StreamEnded(id), true);
        }
    }

    pub fn give(&mut self, wire: u64, input: Input, last: bool, usage: Option<(String, u64)>) {
        let Some(held) = self.wires.get(&wire) else { return };
        let (tab, id) = (held.tab, held.id);
        if last {
            self.wires.remove(&wire);
            self.service.hang_up(wire);
            self.tabs[tab].wires.remove(&id);
        }
        if let Some(usage) = usage {
            self.learn(tab, usage);
            if matches!(&input, Input::Reply(reply) if reply.body.contains("defaultModel")) {
                self.tabs[tab].clock_is_wrong = false;
            }
        }
        self.feed(tab, input);
    }
}
