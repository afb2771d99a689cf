//! Between the tabs and the server: latency, loss, duplicates, proxies, broken replies, cut streams.

use production_chat::Millis;
use production_chat::problem::{Problem, ProblemCode};
use production_chat::session::{Input, Reply, Request, RequestId};
use serde_json::json;

use crate::dice::Dice;
use crate::service::{Answer, Fate, refusal};
use crate::world::{Happening, START, World};

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

/// What goes wrong, and how often: of 1,000.
#[derive(Debug, Clone)]
pub struct Weather {
    pub lost: u64,
    pub proxy: u64,
    pub problem: u64,
    pub mangled: u64,
    pub twice: u64,
    pub cut: u64,
    pub slow: u64,
    pub token_fails: u64,
    pub fates: Vec<(u64, Fate)>,
    /// Until then nothing gets through.
    pub outage_until: Millis,
}

impl Weather {
    pub fn calm() -> Weather {
        Weather {
            lost: 0,
            proxy: 0,
            problem: 0,
            mangled: 0,
            twice: 0,
            cut: 0,
            slow: 0,
            token_fails: 0,
            fates: vec![(1, Fate::Answers)],
            outage_until: 0,
        }
    }

    pub fn of(dice: &mut Dice) -> Weather {
        let worst = dice.weighted(&[(1, 0), (3, 60), (2, 200)]);
        let mut some = |most: u64| dice.below(most + 1);
        Weather {
            lost: some(worst),
            proxy: some(worst / 3),
            problem: some(worst / 3),
            mangled: some(worst / 4),
            twice: some(worst),
            cut: some(worst * 2),
            slow: some(worst),
            token_fails: some(worst / 3),
            fates: vec![
                (30, Fate::Answers),
                (some(worst / 20), Fate::FailsBefore),
                (some(worst / 20), Fate::FailsWithin),
                (some(worst / 40), Fate::DiesBefore),
                (some(worst / 40), Fate::DiesWithin),
                (some(worst / 40), Fate::IsLate),
            ],
            outage_until: 0,
        }
    }
}

/// Every kind of trouble there is, so that a run without one is noticed.
pub const TROUBLES: &[&str] = &[
    "network: request lost",
    "network: reply lost",
    "network: sent twice",
    "network: a proxy's page",
    "network: a problem",
    "network: too large",
    "network: mangled",
    "network: cut",
    "network: cut in silence",
    "network: slow",
    "network: outage",
    "network: retry-after as a date",
];

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

    /// A problem that has nothing to do with the request; never a plausible lie: what the server has, nobody denies.
    fn any_problem(&mut self, request: &Request) -> Answer {
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

    fn retry_after(&mut self, status: u16) -> Option<String> {
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

    fn reply_later(&mut self, wire: u64, id: RequestId, delay: Millis, answer: Answer) {
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
    fn mangle(&mut self, body: &str) -> String {
        match self.dice.below(5) {
            0 => String::new(),
            1 => body.chars().take(body.len() / 2).collect(),
            2 => "[".repeat(10_000),
            3 => json!({ "usage": { "version": -1 }, "conversation": [], "messages": "none" }).to_string(),
            _ => body.replace("\"id\"", "\"di\"").replace("\"usage\"", "\"u\""),
        }
    }

    fn give_later(&mut self, wire: u64, delay: Millis, input: Input, last: bool) {
        self.give_with(wire, delay, input, last, None);
    }

    fn give_with(&mut self, wire: u64, delay: Millis, input: Input, last: bool, usage: Option<(String, u64)>) {
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

    /// Whether a copy of a message is still under way to the server.
    pub fn is_on_its_way(&self, turn: &str) -> bool {
        let carries = |request: &Request| turn_of(request).is_some_and(|it| it == turn);
        self.to_come()
            .any(|what| matches!(what, Happening::Arrive(arrival) if carries(&arrival.request)))
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
