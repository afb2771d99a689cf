//! The whole client of one tab as a state machine: inputs in, effects out, virtual time in tests.
//!
//! Nothing here waits, sends or stores: [`Session::handle`] takes what happened, commands take what a person wants, and
//! both leave behind [`Effect`]s to be fetched with [`Session::effects`] and carried out in order. This is the only
//! place where the client's state changes.
//!
//! | room | its one job |
//! | --- | --- |
//! | `io` | what crosses the wall |
//! | `identity` | who is signed in; access tokens |
//! | `endpoints` | which servers answer |
//! | `requests` | what is on the wire, what waits, what is tried again |
//! | `account` | usage, plans, the conversation list; `check` |
//! | `alerts` | limits of the day that come near, each level told once |
//! | `listing` | the conversation list and changes to it |
//! | `reading` | pages of messages |
//! | `outgoing` | what a request looks like when it goes out |
//! | `turns` | from a draft to a request: send, queue, retry |
//! | `keeping` | what was typed, until the server has answered it |
//! | `stream` | the live turn: its stream, resuming |
//! | `stopping` | stopping a turn, whether or not the server has it |
//! | `events` | what the events of a stream mean |
//! | `show` | what is seen |
//! | `views`, `wire` | the shapes shared with TypeScript and with the server |
//! | `tabs` | what tabs tell each other |

mod account;
mod alerts;
mod endpoints;
mod events;
mod identity;
mod io;
mod keeping;
mod listing;
mod outgoing;
mod reading;
mod replies;
mod requests;
mod show;
mod stopping;
mod stream;
mod tabs;
mod token;
mod turns;
mod views;
mod wire;

use crate::Millis;
use crate::cache::MessageCache;
use crate::cost::{InvalidPrice, Price};
use crate::license::Tier;
use crate::outbox::{Outbox, OutboxEntry};
use crate::problem::ChatErrorDetail;
use crate::retry::Backoff;
use crate::table::Table;
use crate::usage::Holds;
use crate::uuid::UuidGenerator;

pub use alerts::QuotaAlert;
pub use io::{Base, Effect, Input, MAX_REPLY_BYTES, Moment, Random, Reply, Request, RequestId};
pub use show::{Revision, Row};
pub use views::{
    AccountSnapshot, AccountStatus, ChatMessage, ChatMessageStatus, ClientOptions, ConversationHead,
    ConversationSnapshot, ConversationStatus, Draft, StorageKind, UsageStats,
};
pub use wire::Agent;

use account::Account;
use endpoints::Endpoints;
use identity::Identity;
use reading::Thread;
use requests::Requests;
use stream::Live;

/// Conversations kept in memory when nobody looks at them.
const MAX_THREADS: usize = 50;
/// Bytes of messages kept in memory when nobody looks at them.
const MAX_THREAD_BYTES: usize = 16 << 20;

/// The client of one tab.
pub struct Session {
    settings: Settings,
    identity: Identity,
    account: Account,
    /// What the server has of each conversation.
    threads: MessageCache<Thread>,
    /// What goes on in each conversation here.
    talks: Table<String, Talk>,
    outbox: Outbox,
    /// What earlier users typed here and storage did not take.
    aside: Vec<OutboxEntry>,
    holds: Holds,
    requests: Requests,
    endpoints: Endpoints,
    uuids: UuidGenerator,
    /// The versions of what is in the outbox, by turn id.
    row_versions: Table<String, u64>,
    /// The last version given to a message or a list of messages.
    version: u64,
    is_online: bool,
    /// This tab's name, among the tabs of the browser.
    tab: String,
    others: tabs::Others,
    storage: StorageKind,
    disposed: bool,
    effects: Vec<Effect>,
    changed_account: bool,
    changed_conversations: Vec<String>,
    /// When what is shown changes by the passing of time alone.
    shows_anew_at: Option<Millis>,
    /// Something has since that was found, other than an answer that grew.
    has_changed: bool,
    /// When something was spent or set aside, since the effects were fetched last.
    spent_at: Option<Millis>,
}

/// How the client was set up.
struct Settings {
    organization_id: Option<String>,
    enforce_limits: bool,
    default_tier: Option<Tier>,
    assumed_price: Option<Price>,
    agent: String,
}

/// What goes on in a conversation here.
#[derive(Default)]
struct Talk {
    /// How many look at it.
    looks: u32,
    /// Made here; the server hears of it with its first message.
    minted: bool,
    /// Made in this tab, so that nothing of it is on the server that is not here.
    born_here: bool,
    /// Its deletion is under way or done: nothing more is sent to it.
    deleted: bool,
    /// The agent it was made for.
    agent: Option<String>,
    /// The request that reads its latest page.
    latest: Option<RequestId>,
    /// The request that reads an older page.
    older: Option<RequestId>,
    /// What failed last.
    error: Option<ChatErrorDetail>,
    /// That was reading it.
    error_is_of_reading: bool,
    /// The turn under way.
    live: Option<Live>,
    /// How often a message gave way to another turn.
    yields: Backoff,
    /// Changes with everything that is shown of it but the answer that grows.
    revision: u64,
}

impl Talk {
    /// Whether it has to be kept when nobody looks and nothing of it waits in the outbox.
    fn lasts(&self) -> bool {
        let reads = self.latest.is_some() || self.older.is_some();
        let failed = self.error.is_some() && !self.error_is_of_reading;
        self.looks > 0 || self.live.is_some() || self.minted || self.deleted || reads || failed
    }
}

impl Session {
    /// A client that knows nothing yet. [`Session::start`] sets it going.
    ///
    /// # Errors
    /// `invalid_request` when an option is wrong; `errors` names it.
    pub fn new(options: &ClientOptions, is_online: bool) -> Result<Session, ChatErrorDetail> {
        let assumed_price = match options.cost_per_1k_tokens {
            Some(usd) => Some(
                Price::from_usd_per_1k_tokens(usd)
                    .map_err(|_| ChatErrorDetail::invalid("/costPer1kTokens", InvalidPrice::WORDS))?,
            ),
            None => None,
        };
        Ok(Session {
            settings: Settings {
                organization_id: options.organization_id.clone(),
                enforce_limits: options.enforce_limits.unwrap_or(true),
                default_tier: options.default_tier,
                assumed_price,
                agent: options.agent.clone().unwrap_or_else(|| "executive".to_owned()),
            },
            identity: Identity::default(),
            account: Account::default(),
            threads: MessageCache::new(MAX_THREADS, MAX_THREAD_BYTES),
            talks: Table::default(),
            outbox: Outbox::new(),
            aside: Vec::new(),
            holds: Holds::default(),
            requests: Requests::default(),
            endpoints: Endpoints::default(),
            uuids: UuidGenerator::new(),
            row_versions: Table::default(),
            version: 0,
            is_online,
            tab: String::new(),
            others: tabs::Others::default(),
            storage: StorageKind::Persistent,
            disposed: false,
            effects: Vec::new(),
            changed_account: false,
            changed_conversations: Vec::new(),
            shows_anew_at: None,
            has_changed: false,
            spent_at: None,
        })
    }

    /// Asks who is signed in; all else follows from the answer.
    pub fn start(&mut self, at: &mut Moment) {
        self.tab = self.new_id(at);
        self.effects.push(Effect::Live { tab: self.tab.clone() });
        // Nobody may have signed in: then these end as they came. They keep the app being asked for a token.
        self.fetch_account(at);
        self.fetch_conversations(at);
    }

    /// Takes in what happened.
    pub fn handle(&mut self, input: Input, at: &mut Moment) {
        if self.disposed {
            return;
        }
        match input {
            Input::Token(ask, _) | Input::TokenFailed(ask, _) if !self.identity.answers(ask) => {}
            Input::Token(_, Some(token)) => self.signed_in(token, at),
            Input::Token(_, None) => self.end_of_session(ChatErrorDetail::signed_out()),
            Input::TokenFailed(_, why) => self.token_failed(&why, at),
            Input::Reply(reply) => self.replied(reply, at),
            Input::StreamOpened(id) => self.stream_opened(id, at),
            Input::Chunk(id, bytes) => self.stream_grew(id, &bytes, at),
            Input::StreamEnded(id) => self.stream_ended(id, at),
            Input::Lost(id) => self.lost(id, at),
            Input::TooLarge(id) => self.gave_nonsense(id, at),
            Input::Online(is_online) => {
                self.is_online = is_online;
                self.changed_account = true;
                if is_online {
                    self.try_all_endpoints();
                }
                self.catch_up(at);
                if is_online {
                    self.look_again(at);
                }
            }
            Input::Visible => {
                // Timers sleep with the machine.
                self.catch_up(at);
                self.look_again(at);
            }
            Input::Timeout => self.catch_up(at),
            Input::Stored(entries) => self.take_stored(entries, at),
            Input::StorageFailed => {
                self.changed_account |= self.storage != StorageKind::Memory;
                self.storage = StorageKind::Memory;
            }
            Input::Tab(text) => self.heard(&text, at),
            Input::TabEnded(tab) => self.tab_ended(tab),
        }
        self.show_what_time_changed(at.now);
    }

    /// What is to be done now, in this order.
    pub fn effects(&mut self) -> Vec<Effect> {
        self.tell_holds();
        self.tell_crossings();
        let mut effects = std::mem::take(&mut self.effects);
        let account = std::mem::take(&mut self.changed_account);
        let conversations = std::mem::take(&mut self.changed_conversations);
        if account || !conversations.is_empty() {
            effects.push(Effect::Changed { account, conversations });
        }
        effects
    }

    /// When [`Input::Timeout`] is due, if nothing happens before.
    pub fn next_timeout(&self) -> Option<Millis> {
        if self.disposed {
            return None;
        }
        let mut next = sooner(self.next_release(), self.shows_anew_at);
        for talk in self.talks.values() {
            next = sooner(next, talk.live.as_ref().and_then(Live::silent_at));
        }
        if self.is_online && self.identity.may_send() {
            next = sooner(next, self.requests.next_due());
        }
        next = sooner(next, self.requests.next_overdue());
        next = sooner(next, self.others.next_lapse());
        sooner(next, self.others.next_word())
    }

    /// Gives everything up. Later inputs and commands do nothing.
    pub fn dispose(&mut self) {
        if !self.disposed {
            self.drop_requests();
            self.holds = Holds::default();
            self.tell_holds();
            self.disposed = true;
        }
    }

    /// Does what is due.
    fn catch_up(&mut self, at: &mut Moment) {
        self.flush(at);
        self.give_up_overdue(at);
        self.end_silent_streams(at);
        self.release_waiting(at);
        self.let_lapse(at.now);
        self.tell_again(at.now);
    }

    /// When what is shown is out of date by time alone, all of it is shown anew; then the next such instant is found.
    fn show_what_time_changed(&mut self, now: Millis) {
        if self.shows_anew_at.is_some_and(|at| at <= now) {
            self.change_all();
        }
        if std::mem::take(&mut self.has_changed) {
            self.shows_anew_at = self.next_ageing(now);
        }
    }

    /// Something of a conversation is shown otherwise now.
    fn change(&mut self, conversation_id: &str) {
        self.has_changed = true;
        let version = self.next_version();
        if let Some(talk) = self.talks.get_mut(conversation_id) {
            talk.revision = version;
        }
        self.note_change(conversation_id);
    }

    fn note_change(&mut self, conversation_id: &str) {
        if !self.changed_conversations.iter().any(|id| id == conversation_id) {
            self.changed_conversations.push(conversation_id.to_owned());
        }
    }

    /// Usage, network or time changed: every verdict may have.
    fn change_all(&mut self) {
        self.changed_account = true;
        self.has_changed = true;
        self.changed_conversations = self.talks.keys().to_vec();
        let version = self.next_version();
        for talk in self.talks.values_mut() {
            talk.revision = version;
        }
    }

    fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// An instant of the server's clock, by this machine's.
    fn here(&self, there: Millis) -> Millis {
        there.saturating_add_signed(-self.account.skew)
    }

    /// An instant of this machine's clock, by the server's.
    fn there(&self, here: Millis) -> Millis {
        here.saturating_add_signed(self.account.skew)
    }

    fn usable(&self) -> Result<(), ChatErrorDetail> {
        if self.disposed {
            return Err(ChatErrorDetail::disposed());
        }
        Ok(())
    }
}

/// The earlier of two instants, of which there may be none.
fn sooner(one: Option<Millis>, other: Option<Millis>) -> Option<Millis> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
