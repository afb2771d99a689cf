//! Virtual time, and the world that goes through it: the tabs, what they keep, what is to come and what went wrong.

mod effects;
mod happening;
mod news;
mod people;
mod tabs;

use std::collections::BTreeMap;

use production_chat::Millis;
use production_chat::license::{Quotas, Tier};
use production_chat::session::{ClientOptions, Input, Moment, RequestId, Session};
use serde_json::json;

use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::journal::Journal;
use crate::law::Law;
use crate::network::{Weather, Wire};
use crate::oracle::Seen;
use crate::service::Service;

pub use happening::Happening;

/// When sessions begin: a Sunday in June 2025, midnight UTC.
pub const START: Millis = 1_750_032_000_000;
/// Whoever uses this browser: the first one at the start, in some sessions the second one later.
pub const USERS: [&str; 2] = [
    "a0000000-0000-4000-8000-00000000000a",
    "b0000000-0000-4000-8000-00000000000b",
];

/// A tab of the browser. Its session is gone when it crashed or was closed.
pub struct Tab {
    pub session: Option<Session>,
    /// Which of the sessions this tab has had.
    pub life: u32,
    /// This tab's clock less the server's, in milliseconds.
    pub skew: i64,
    pub frozen: bool,
    pub online: bool,
    /// What somebody looks at in it, with repetitions.
    pub looks: Vec<String>,
    /// Requests on the wire.
    pub wires: BTreeMap<RequestId, u64>,
    pub seen: Seen,
    pub fetches: u32,
    pub timeouts: u32,
    /// It was, in its present life.
    pub was_frozen: bool,
    /// Requests in the current minute, and which minute that is.
    lately: (u64, u32),
    /// Its clock was set, and the server has not been asked since.
    pub clock_is_wrong: bool,
    /// Storage failed in its time.
    pub met_bad_storage: bool,
    /// Its name among the tabs.
    pub name: String,
    /// Tabs whose end it waits for.
    awaits: Vec<String>,
    /// What it says is heard in order.
    said_at: Millis,
    /// The newest usage that reached it: whose, and its version.
    pub knows: Option<(String, u64)>,
    /// What waits for a frozen tab.
    missed: Vec<Happening>,
    dice: Dice,
    timer: Option<Millis>,
    rang_at: Millis,
    rings: u32,
}

/// `localStorage`, which all tabs share.
#[derive(Default)]
pub struct Storage {
    pub texts: BTreeMap<String, String>,
    pub full: bool,
    pub disabled: bool,
}

pub struct World {
    /// The server's clock.
    pub now: Millis,
    pub dice: Dice,
    pub service: Service,
    pub storage: Storage,
    pub tabs: Vec<Tab>,
    pub wires: BTreeMap<u64, Wire>,
    pub weather: Weather,
    pub signed_in: Option<usize>,
    pub journal: Journal,
    pub coverage: Coverage,
    pub failures: Vec<String>,
    pub acts: u32,
    /// Everything has come to rest but what the client does by itself.
    pub quiet: bool,
    trace: bool,
    queue: BTreeMap<(Millis, u64), Happening>,
    serial: u64,
    options: ClientOptions,
    token: Option<(usize, String, Millis)>,
}

impl World {
    pub fn new(seed: u64, trace: bool) -> World {
        let mut dice = Dice::new(seed ^ 0x5851_f42d_4c95_7f2d);
        let mut tiers: Vec<Quotas> = [Tier::Free, Tier::Pro, Tier::Enterprise].map(Quotas::of).to_vec();
        // Small limits, so that sessions meet them.
        tiers[0].max_messages_per_hour = dice.between(3, 12);
        tiers[0].max_messages_per_day = dice.between(6, 24);
        tiers[0].max_messages_per_conversation = 2 * dice.between(3, 60);
        tiers[0].max_conversations = dice.between(2, 12);
        tiers[0].max_cost_per_day_micro_usd = dice.between(2_000, 40_000);
        tiers[1].max_messages_per_hour = dice.between(6, 60);
        let tier = dice.weighted(&[(4, 0), (5, 1), (1, 2)]);
        let mut law = Law::new(START, START + dice.between(600_000, 86_400_000), tiers.clone());
        for user in USERS {
            let expires_at = dice.chance(50).then(|| START + dice.between(600_000, 7_200_000));
            law.enrol(user, tiers[tier].clone(), expires_at);
        }
        let old = "0c000000-0000-4000-8000-000000000001";
        law.furnish(USERS[0], old, dice.weighted(&[(2, 1), (2, 10), (1, 24), (1, 60)]));
        let weather = Weather::of(&mut dice);
        let mut service = Service::new(law, dice.fork());
        service.fates = weather.fates.clone();
        let mut options: ClientOptions =
            serde_json::from_value(json!({ "supabaseUrl": "http://project", "supabaseKey": "key" })).unwrap();
        options.default_tier = dice.chance(500).then_some(Tier::Free);
        options.enforce_limits = dice.chance(100).then_some(false);
        let mut world = World {
            now: START,
            dice,
            service,
            storage: Storage::default(),
            tabs: Vec::new(),
            wires: BTreeMap::new(),
            weather,
            signed_in: Some(0),
            journal: Journal::default(),
            coverage: Coverage::default(),
            failures: Vec::new(),
            acts: 0,
            quiet: false,
            trace,
            queue: BTreeMap::new(),
            serial: 0,
            options,
            token: None,
        };
        for _ in 0..2 {
            world.add_tab();
        }
        world
    }

    pub fn local(&self, tab: usize) -> Millis {
        self.now.saturating_add_signed(self.tabs[tab].skew)
    }

    pub fn later(&mut self, delay: Millis, what: Happening) {
        self.serial += 1;
        self.queue.insert((self.now + delay, self.serial), what);
    }

    pub fn note(&self, text: impl FnOnce() -> String) {
        if self.trace {
            println!("{:>9.3}  {}", (self.now - START) as f64 / 1_000.0, text());
        }
    }

    pub fn fail(&mut self, what: String) {
        self.note(|| format!("FAILURE: {what}"));
        self.failures
            .push(format!("at {:.3} s: {what}", (self.now - START) as f64 / 1_000.0));
    }

    /// Runs a command in a tab and carries out what comes of it. `None`: there is no session.
    pub fn act<T>(&mut self, tab: usize, command: impl FnOnce(&mut Session, &mut Moment) -> T) -> Option<T> {
        let now = self.local(tab);
        let it = &mut self.tabs[tab];
        let session = it.session.as_mut()?;
        let mut at = Moment {
            now,
            random: &mut it.dice,
        };
        let result = command(session, &mut at);
        let effects = session.effects();
        for effect in effects {
            self.coverage.effect(&effect);
            self.carry_out(tab, effect);
        }
        let it = &mut self.tabs[tab];
        it.timer = it
            .session
            .as_ref()
            .and_then(|session| session.next_timeout())
            .map(|at| at.saturating_add_signed(-it.skew));
        Some(result)
    }

    pub fn feed(&mut self, tab: usize, input: Input) {
        self.coverage.input(&input);
        self.note(|| {
            let text = format!("{input:?}");
            format!("tab {tab} <- {}", text.chars().take(160).collect::<String>())
        });
        self.act(tab, |session, at| session.handle(input, at));
    }

    /// Lets time pass until `end`.
    pub fn run_until(&mut self, end: Millis) {
        while self.failures.is_empty() {
            let next = self.queue.keys().next().map(|(at, _)| *at);
            let timers = self.tabs.iter().enumerate().filter(|(_, tab)| !tab.frozen);
            let timer = timers
                .filter_map(|(index, tab)| Some((tab.timer?.max(self.now), index)))
                .min();
            let at = next.into_iter().chain(timer.map(|(at, _)| at)).min();
            let Some(at) = at.filter(|at| *at <= end) else { break };
            self.now = at;
            self.service.law.now = at;
            match timer.filter(|(ring, _)| *ring == at && next.is_none_or(|next| *ring < next)) {
                Some((_, tab)) => self.ring(tab),
                None => {
                    if let Some((_, what)) = self.queue.pop_first() {
                        self.happen(what);
                    }
                }
            }
        }
        self.now = self.now.max(end);
        self.service.law.now = self.now;
    }

    fn ring(&mut self, tab: usize) {
        let now = self.now;
        let it = &mut self.tabs[tab];
        it.timeouts += 1;
        it.rings = if it.rang_at == now { it.rings + 1 } else { 0 };
        it.rang_at = now;
        it.timer = None;
        if it.rings > 20 {
            self.fail(format!(
                "tab {tab} asks to be woken again and again at the same instant"
            ));
            return;
        }
        self.feed(tab, Input::Timeout);
    }

    pub fn to_come(&self) -> impl Iterator<Item = &Happening> {
        self.queue.values()
    }

    /// The client only advises in this session: it takes whatever is typed.
    pub fn advises_only(&self) -> bool {
        self.options.enforce_limits == Some(false)
    }
}
