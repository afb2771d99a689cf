//! Between the tabs and the server: a request leaves, is lost or held up or sent twice on the way, and arrives.

mod connections;
mod replies;
mod weather;

use production_chat::Millis;
use production_chat::session::{Input, Reply, Request, RequestId};

use crate::service::Answer;
use crate::world::{Happening, World};

pub use weather::{TROUBLES, Weather};

/// The wire of a request that the network made up from another one: nobody hears its reply.
const COPY: u64 = u64::MAX;

/// The turn a request asks for.
pub fn turn_of(request: &Request) -> Option<String> {
    let body = request.body.as_deref().filter(|_| request.path == "/chat")?;
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    body["id"].as_str().map(str::to_owned)
}

/// A request on its way, or the connection that carries its reply.
pub struct Wire {
    pub tab: usize,
    id: RequestId,
    /// What comes later on it is not given earlier.
    last_at: Millis,
    mangles: bool,
}

/// A request that reaches the server.
#[derive(Debug)]
pub struct Arrival {
    wire: u64,
    request: Request,
    reply: Course,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Good,
    /// Its reply is lost, or nobody waits for it: it was sent twice.
    Lost,
}

impl World {
    fn latency(&mut self) -> Millis {
        if self.dice.chance(self.weather.slow) {
            self.coverage.count("network: slow");
            return self.dice.between(1_000, 12_000);
        }
        self.dice.between(5, 150)
    }

    pub fn fetch(&mut self, tab: usize, request: Request) {
        self.tabs[tab].fetches += 1;
        let serial = self.next_wire();
        let id = request.id;
        let wire = Wire {
            tab,
            id,
            last_at: 0,
            mangles: false,
        };
        self.wires.insert(serial, wire);
        if self.tabs[tab].wires.insert(id, serial).is_some() {
            self.fail(format!("tab {tab} sends request {id} while it is on the wire"));
        }
        let outage = self.weather.outage_until > self.now;
        if !self.tabs[tab].online || outage {
            if outage {
                self.coverage.count("network: outage");
            }
            let delay = self.dice.weighted(&[(3, 10), (1, 3_000)]);
            return self.give_later(serial, delay, Input::Lost(id), true);
        }
        let latency = self.latency();
        let trouble = self.dice.below(1_000);
        let mut from = 0;
        let mut hits = |per_mille: u64| {
            from += per_mille;
            (from - per_mille..from).contains(&trouble)
        };
        let weather = &self.weather;
        let (lost, lost_reply) = (hits(weather.lost / 2), hits(weather.lost / 2));
        let (proxy, problem, mangled, twice) = (
            hits(weather.proxy),
            hits(weather.problem),
            hits(weather.mangled),
            hits(weather.twice),
        );
        if lost {
            self.coverage.count("network: request lost");
            let delay = self.dice.weighted(&[(3, latency), (1, 30_000)]);
            return self.give_later(serial, delay, Input::Lost(id), true);
        }
        if proxy {
            self.coverage.count("network: a proxy's page");
            let status = self
                .dice
                .weighted(&[(4, 502), (4, 504), (2, 503), (2, 429), (1, 403), (1, 500), (1, 200)]);
            let retry_after = self.retry_after(status);
            let reply = Reply {
                id,
                status,
                content_type: "text/html".to_owned(),
                retry_after,
                body: "<html><body>Something is wrong</body></html>".to_owned(),
            };
            return self.give_later(serial, latency, Input::Reply(reply), true);
        }
        if problem {
            self.coverage.count("network: a problem");
            let answer = self.any_problem(&request);
            return self.reply_later(serial, id, latency, answer);
        }
        if mangled && self.dice.chance(100) {
            self.coverage.count("network: too large");
            return self.give_later(serial, latency, Input::TooLarge(id), true);
        }
        if mangled {
            self.coverage.count("network: mangled");
            if let Some(wire) = self.wires.get_mut(&serial) {
                wire.mangles = true;
            }
        }
        if twice {
            self.coverage.count("network: sent twice");
            let again = Arrival {
                wire: COPY,
                request: request.clone(),
                reply: Course::Lost,
            };
            let delay = latency + self.dice.between(1, 5_000);
            self.later(delay, Happening::Arrive(again));
        }
        let reply = if lost_reply { Course::Lost } else { Course::Good };
        let arrival = Arrival {
            wire: serial,
            request,
            reply,
        };
        self.later(latency, Happening::Arrive(arrival));
    }

    fn next_wire(&mut self) -> u64 {
        self.journal.wires += 1;
        self.journal.wires
    }

    pub fn arrive(&mut self, arrival: Arrival) {
        let Arrival { wire, request, reply } = arrival;
        let id = request.id;
        let is_copy = wire == COPY;
        let denied_before = turn_of(&request).filter(|turn| is_copy && !self.service.law.has(turn));
        self.journal.came_after_all.extend(denied_before);
        let answer = self.service.answer(&request, wire);
        if reply == Course::Lost || !self.wires.contains_key(&wire) {
            self.service.hang_up(wire);
            if self.wires.contains_key(&wire) {
                self.coverage.count("network: reply lost");
                let delay = self.latency();
                self.give_later(wire, delay, Input::Lost(id), true);
            }
            return self.carry_words();
        }
        match answer {
            Answer::Stream => {
                let delay = self.latency();
                self.give_later(wire, delay, Input::StreamOpened(id), false);
                self.later(15_000, Happening::KeepAlive(wire));
                if self.dice.chance(self.weather.cut) {
                    let silently = self.dice.chance(250);
                    let delay = self.dice.between(1, 20_000);
                    self.later(delay, Happening::Cut { wire, silently });
                }
            }
            whole => {
                let delay = self.latency();
                self.reply_later(wire, id, delay, whole);
            }
        }
        self.carry_words();
    }

    /// Whether a copy of a message is still under way to the server.
    pub fn is_on_its_way(&self, turn: &str) -> bool {
        let carries = |request: &Request| turn_of(request).is_some_and(|it| it == turn);
        self.to_come()
            .any(|what| matches!(what, Happening::Arrive(arrival) if carries(&arrival.request)))
    }
}
