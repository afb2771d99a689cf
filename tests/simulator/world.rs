//! Virtual time, and all that happens in it: tabs, what they say to each other, what they keep, who is signed in.

use std::collections::BTreeMap;

use production_chat::Millis;
use production_chat::license::{Quotas, Tier};
use production_chat::outbox;
use production_chat::session::{ClientOptions, Draft, Effect, Input, Moment, Request, RequestId, Session};
use serde::Deserialize;
use serde_json::json;

use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::journal::Journal;
use crate::law::Law;
use crate::network::{Arrival, Weather, Wire};
use crate::oracle::Seen;
use crate::service::Service;

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

/// Something that will happen.
#[derive(Debug)]
pub enum Happening {
    Arrive(Arrival),
    Give {
        wire: u64,
        input: Input,
        last: bool,
        usage: Option<(String, u64)>,
    },
    KeepAlive(u64),
    Cut {
        wire: u64,
        silently: bool,
    },
    Work(String),
    Hear {
        tab: usize,
        life: u32,
        text: String,
    },
    TokenFor {
        tab: usize,
        life: u32,
        ask: u32,
        refresh: bool,
    },
    AuthChanged(usize),
    Network {
        tab: usize,
        online: bool,
    },
    TabEnded {
        tab: usize,
        life: u32,
        name: String,
    },
    Thaw(usize),
    Reload(usize),
    StorageMended,
    TokensMended,
    SignIn(usize),
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

/// What tabs tell each other, where it is about usage.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldUsage {
    user_id: String,
    news: News,
}

#[derive(Deserialize)]
struct News {
    usage: Version,
}

#[derive(Deserialize)]
struct Version {
    version: u64,
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

    fn add_tab(&mut self) {
        let skew = self.dice.weighted(&[(6, 0), (1, 1)]) as i64 * (self.dice.below(7_200_000) as i64 - 3_600_000);
        self.tabs.push(Tab {
            session: None,
            life: 0,
            skew,
            frozen: false,
            online: true,
            looks: Vec::new(),
            wires: BTreeMap::new(),
            seen: Seen::default(),
            fetches: 0,
            timeouts: 0,
            was_frozen: false,
            lately: (0, 0),
            clock_is_wrong: false,
            met_bad_storage: false,
            name: String::new(),
            awaits: Vec::new(),
            said_at: 0,
            knows: None,
            missed: Vec::new(),
            dice: self.dice.fork(),
            timer: None,
            rang_at: 0,
            rings: 0,
        });
        self.load_tab(self.tabs.len() - 1);
    }

    /// A page is loaded: a new session, which knows what storage knows.
    pub fn load_tab(&mut self, tab: usize) {
        self.note(|| format!("tab {tab} loads"));
        let session = Session::new(&self.options, self.tabs[tab].online).unwrap();
        let it = &mut self.tabs[tab];
        it.session = Some(session);
        it.life += 1;
        it.seen = Seen::default();
        it.looks.clear();
        it.awaits.clear();
        it.clock_is_wrong = false;
        it.was_frozen = false;
        it.knows = None;
        if self.storage.disabled {
            self.feed(tab, Input::StorageFailed);
        }
        self.act(tab, |session, at| session.start(at));
        self.check_account(tab);
    }

    /// The page is gone: crashed, or closed in good order.
    pub fn unload_tab(&mut self, tab: usize, crash: bool) {
        self.note(|| format!("tab {tab} {}", if crash { "crashes" } else { "closes" }));
        if !crash {
            self.act(tab, |session, _| session.dispose());
            let late = Draft {
                conversation_id: USERS[0].to_owned(),
                text: "a? too late".to_owned(),
                ..Draft::default()
            };
            match self.act(tab, |session, at| session.send(&late, at)) {
                Some(Err(error)) => self.saw_error(&error),
                _ => self.fail(format!("tab {tab} takes a message after its end")),
            }
        }
        self.journal_unloaded(tab);
        let it = &mut self.tabs[tab];
        it.session = None;
        it.timer = None;
        it.frozen = false;
        it.missed.clear();
        let name = std::mem::take(&mut it.name);
        self.tab_ended(&name);
        let it = &mut self.tabs[tab];
        for wire in std::mem::take(&mut it.wires).into_values() {
            self.wires.remove(&wire);
            self.service.hang_up(wire);
        }
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

    /// However bad the network and however busy the person: no storm of requests.
    fn count_request(&mut self, tab: usize) {
        let minute = self.now / 60_000;
        let lately = &mut self.tabs[tab].lately;
        *lately = if lately.0 == minute {
            (minute, lately.1 + 1)
        } else {
            (minute, 1)
        };
        if lately.1 > 150 {
            self.fail(format!("tab {tab} sends more than 150 requests in a minute"));
        }
    }

    fn carry_out(&mut self, tab: usize, effect: Effect) {
        match effect {
            Effect::Fetch(request) => {
                self.note(|| format!("tab {tab} -> {} {}", request.id, describe(&request)));
                self.journal_fetched(tab, &request);
                self.count_request(tab);
                self.fetch(tab, request);
            }
            Effect::Abort(id) => {
                self.note(|| format!("tab {tab} -> abort {id}"));
                if let Some(wire) = self.tabs[tab].wires.remove(&id) {
                    self.wires.remove(&wire);
                    self.service.hang_up(wire);
                }
            }
            Effect::AskToken { ask, refresh } => {
                let life = self.tabs[tab].life;
                let delay = self.dice.weighted(&[(6, 5), (3, 200), (1, 4_000)]);
                self.later(
                    delay,
                    Happening::TokenFor {
                        tab,
                        life,
                        ask,
                        refresh,
                    },
                );
            }
            Effect::LoadOutbox { user_id } => {
                let wanted = |key: &str| outbox::is_key(key) && outbox::belongs_to(key, &user_id);
                let texts = self.storage.texts.iter().filter(|(key, _)| wanted(key));
                let stored = match self.storage.disabled {
                    true => Vec::new(),
                    false => texts.map(|(key, text)| (key.clone(), text.clone())).collect(),
                };
                self.feed(tab, Input::Stored(stored));
            }
            Effect::Forget { user_id } => {
                self.storage.texts.retain(|key, _| !outbox::belongs_to(key, &user_id));
            }
            Effect::Store { key, text } => {
                if self.storage.full || self.storage.disabled {
                    self.feed(tab, Input::StorageFailed);
                } else {
                    self.storage.texts.insert(key, text);
                }
            }
            Effect::Unstore { key } => {
                if !self.storage.disabled {
                    self.storage.texts.remove(&key);
                }
            }
            Effect::SetAside { from, to, text } => {
                if !self.storage.full && !self.storage.disabled {
                    self.storage.texts.remove(&from);
                    self.storage.texts.insert(to, text);
                }
            }
            Effect::Live { tab: name } => self.tabs[tab].name = name,
            Effect::AwaitEnd { tab: name } => {
                let lives = self.tabs.iter().any(|it| it.name == name);
                self.tabs[tab].awaits.push(name.clone());
                if !lives {
                    self.tab_ended(&name);
                }
            }
            Effect::Tell { text } => {
                let said_at = self.tabs[tab].said_at.max(self.now + self.dice.between(1, 30));
                self.tabs[tab].said_at = said_at;
                let delay = said_at - self.now;
                for other in (0..self.tabs.len()).filter(|other| *other != tab) {
                    let life = self.tabs[other].life;
                    let text = text.clone();
                    self.later(delay, Happening::Hear { tab: other, life, text });
                }
            }
            Effect::Alert(alert) => self.check_alert(tab, alert),
            Effect::Changed { account, conversations } => self.look(tab, account, &conversations),
        }
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

    fn happen(&mut self, what: Happening) {
        if let Some(tab) = self.concerns(&what)
            && self.tabs[tab].frozen
        {
            self.tabs[tab].missed.push(what);
            return;
        }
        match what {
            Happening::Arrive(arrival) => self.arrive(arrival),
            Happening::Give {
                wire,
                input,
                last,
                usage,
            } => self.give(wire, input, last, usage),
            Happening::KeepAlive(wire) => self.keep_alive(wire),
            Happening::Cut { wire, silently } => self.cut(wire, silently),
            Happening::Work(turn) => {
                self.service.wake(&turn);
                self.carry_words();
            }
            Happening::Hear { tab, life, text } => {
                if self.tabs[tab].life == life && self.tabs[tab].session.is_some() {
                    self.learn_from_tab(tab, &text);
                    self.feed(tab, Input::Tab(text));
                }
            }
            Happening::TokenFor {
                tab,
                life,
                ask,
                refresh,
            } => {
                if self.tabs[tab].life == life && self.tabs[tab].session.is_some() {
                    let answer = self.token_for(ask, refresh);
                    self.feed(tab, answer);
                }
            }
            Happening::TabEnded { tab, life, name } => {
                if self.tabs[tab].life == life && self.tabs[tab].session.is_some() {
                    self.feed(tab, Input::TabEnded(name));
                }
            }
            Happening::AuthChanged(tab) => {
                self.note(|| format!("tab {tab}: the app's session changed"));
                self.act(tab, |session, _| session.access_token_changed());
            }
            Happening::Network { tab, online } => {
                self.tabs[tab].online = online;
                if self.tabs[tab].session.is_some() {
                    self.feed(tab, Input::Online(online));
                }
            }
            Happening::Thaw(tab) => self.thaw(tab),
            Happening::Reload(tab) => {
                if self.tabs[tab].session.is_none() {
                    self.load_tab(tab);
                }
            }
            Happening::StorageMended => (self.storage.full, self.storage.disabled) = (false, false),
            Happening::TokensMended => self.service.refuses_tokens = false,
            Happening::SignIn(user) => {
                // Nobody hands over before the page knows who was there.
                if self.signed_in.is_some_and(|before| before != user) && self.somebody_unknown_typed() {
                    self.later(30_000, Happening::SignIn(user));
                } else {
                    self.sign_in(user);
                }
            }
        }
    }

    pub fn to_come(&self) -> impl Iterator<Item = &Happening> {
        self.queue.values()
    }

    pub fn happen_now(&mut self, what: Happening) {
        self.happen(what);
    }

    /// The client only advises in this session: it takes whatever is typed.
    pub fn advises_only(&self) -> bool {
        self.options.enforce_limits == Some(false)
    }

    /// The tab something is meant for, when it waits for a frozen one.
    fn concerns(&self, what: &Happening) -> Option<usize> {
        match what {
            Happening::Give { wire, .. } => self.wires.get(wire).map(|wire| wire.tab),
            Happening::Hear { tab, .. }
            | Happening::TokenFor { tab, .. }
            | Happening::TabEnded { tab, .. }
            | Happening::AuthChanged(tab)
            | Happening::Network { tab, .. } => Some(*tab),
            _ => None,
        }
    }

    pub fn thaw(&mut self, tab: usize) {
        self.note(|| format!("tab {tab} thaws"));
        self.tabs[tab].frozen = false;
        for what in std::mem::take(&mut self.tabs[tab].missed) {
            self.happen(what);
        }
        if self.tabs[tab].session.is_some() {
            self.feed(tab, Input::Visible);
        }
    }

    /// The lock of a tab's name is free: whoever waits for it gets it, one after the other.
    fn tab_ended(&mut self, name: &str) {
        let mut delay = 2;
        for tab in 0..self.tabs.len() {
            let life = self.tabs[tab].life;
            let before = self.tabs[tab].awaits.len();
            self.tabs[tab].awaits.retain(|it| it != name);
            if self.tabs[tab].awaits.len() < before {
                let name = name.to_owned();
                self.later(delay, Happening::TabEnded { tab, life, name });
                delay += 5;
            }
        }
    }

    pub fn somebody_unknown_typed(&self) -> bool {
        let unknown = |tab: usize| self.tabs[tab].session.is_some() && self.user_of_tab(tab).is_none();
        self.journal
            .typed
            .values()
            .any(|typed| unknown(typed.tab) && self.tabs[typed.tab].life == typed.life)
    }

    /// Who uses the app from now on; every tab hears of it in its own time.
    pub fn sign_in(&mut self, user: usize) {
        self.note(|| format!("user {user} signs in"));
        self.signed_in = Some(user);
        self.auth_changed();
    }

    pub fn auth_changed(&mut self) {
        self.token = None;
        for tab in 0..self.tabs.len() {
            let delay = self.dice.between(1, 2_000);
            self.later(delay, Happening::AuthChanged(tab));
        }
    }

    /// What the app's `accessToken` answers.
    fn token_for(&mut self, ask: u32, refresh: bool) -> Input {
        if !self.quiet && self.dice.chance(self.weather.token_fails) {
            return Input::TokenFailed(ask, "The sign-in service is away.".to_owned());
        }
        let Some(user) = self.signed_in else {
            return Input::Token(ask, None);
        };
        let now = self.now;
        let good = |held: &(usize, String, Millis)| held.0 == user && held.2 > now + 30_000 && !refresh;
        let token = match self.token.clone().filter(good) {
            Some((_, token, _)) => token,
            None => {
                let lasts = self.dice.between(60_000, 3_600_000);
                let token = self.service.grant(USERS[user], lasts);
                self.token = Some((user, token.clone(), now + lasts));
                token
            }
        };
        Input::Token(ask, Some(token))
    }

    fn learn_from_tab(&mut self, tab: usize, text: &str) {
        if let Ok(told) = serde_json::from_str::<ToldUsage>(text) {
            self.learn(tab, (told.user_id, told.news.usage.version));
        }
    }

    pub fn learn(&mut self, tab: usize, usage: (String, u64)) {
        let knows = &mut self.tabs[tab].knows;
        match knows {
            Some(known) if known.0 == usage.0 && known.1 >= usage.1 => {}
            _ => *knows = Some(usage),
        }
    }
}

fn describe(request: &Request) -> String {
    let body = request.body.as_deref().unwrap_or_default();
    format!(
        "{} {} {}",
        request.method,
        request.path,
        body.chars().take(120).collect::<String>()
    )
}
