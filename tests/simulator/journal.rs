//! What people typed, and what became of it as far as they were told.

use std::collections::{BTreeMap, BTreeSet};

use production_chat::outbox;
use production_chat::session::{Request, StorageKind};

use crate::network::turn_of;
use crate::world::{USERS, World};

/// How a typed message stands with the person who typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// It is to arrive.
    Open,
    /// The person took it back and has the text again.
    GivenBack,
    /// The person did something after which it need not arrive (and may all the same).
    MayVanish(&'static str),
}

/// A message somebody typed and the client took.
#[derive(Debug, Clone)]
pub struct Typed {
    pub text: String,
    pub user: usize,
    pub conversation: String,
    pub tab: usize,
    pub life: u32,
    pub stand: Stand,
    /// It reached storage.
    pub stored: bool,
    /// It was on the wire at least once.
    pub sent: bool,
    /// When it was typed, in milliseconds of the server's clock.
    pub at: u64,
    /// Its place in the order of typing.
    pub serial: u64,
    /// Its tab had read by then what earlier lives of it had left.
    pub in_order: bool,
}

#[derive(Default)]
pub struct Journal {
    /// By turn id.
    pub typed: BTreeMap<String, Typed>,
    pub wires: u64,
    /// How many texts were made up.
    pub texts: u64,
    /// Turns that the server had denied or released when a copy of their request came.
    pub came_after_all: BTreeSet<String>,
    /// Turns that were on the wire.
    posted: BTreeSet<String>,
}

impl World {
    pub fn journal_typed(&mut self, tab: usize, turn: &str, conversation: &str, text: &str) {
        // The tab may not know yet that somebody else has signed in.
        let user = self
            .user_of_tab(tab)
            .and_then(|id| USERS.iter().position(|user| *user == id))
            .or(self.signed_in)
            .unwrap_or(0);
        let typed = Typed {
            text: text.to_owned(),
            user,
            conversation: conversation.to_owned(),
            tab,
            life: self.tabs[tab].life,
            stand: Stand::Open,
            stored: self.storage.texts.contains_key(&outbox::key_of(USERS[user], turn)),
            sent: self.journal.posted.contains(turn),
            at: self.now,
            serial: self.journal.typed.len() as u64,
            in_order: self.user_of_tab(tab).is_some() && !self.tabs[tab].met_bad_storage,
        };
        self.note(|| format!("tab {tab} typed {turn} in {conversation}: {text}"));
        self.journal.typed.insert(turn.to_owned(), typed);
    }

    /// A request left a tab: nothing that was taken back goes, and nothing goes in another's name.
    pub fn journal_fetched(&mut self, tab: usize, request: &Request) {
        let Some(turn) = turn_of(request) else { return };
        let user = self.service.user_of(&request.token);
        self.journal.posted.insert(turn.clone());
        let Some(typed) = self.journal.typed.get_mut(&turn) else {
            return;
        };
        typed.sent = true;
        let typed = typed.clone();
        if typed.stand == Stand::GivenBack {
            self.fail(format!("tab {tab} sends {turn}, which was taken back"));
        }
        if user.as_deref() != Some(USERS[typed.user]) {
            self.fail(format!("tab {tab} sends {turn} in the name of {user:?}"));
        }
    }

    /// A tab goes away. What it could not store is gone, provided it had said so.
    pub fn journal_unloaded(&mut self, tab: usize) {
        let Some(account) = self.account(tab) else { return };
        self.check_stored(tab, account.storage);
        let life = self.tabs[tab].life;
        let nobody = account.user_id.is_none();
        let storage = &self.storage.texts;
        for (turn, typed) in &mut self.journal.typed {
            let stored = storage.contains_key(&outbox::key_of(USERS[typed.user], turn));
            let here = typed.tab == tab && typed.life == life && typed.stand == Stand::Open;
            if here && !stored && (account.storage == StorageKind::Memory || nobody) {
                typed.stand = Stand::MayVanish("it could not be stored, and its tab is gone");
            }
        }
    }

    /// All of a user's open messages, or those of one conversation.
    pub fn journal_may_vanish(&mut self, why: &'static str, which: impl Fn(&Typed) -> bool) {
        for typed in self.journal.typed.values_mut() {
            if typed.stand == Stand::Open && which(typed) {
                typed.stand = Stand::MayVanish(why);
            }
        }
    }

    /// The person took a message back and got a text for it.
    pub fn journal_given_back(&mut self, turn: &str, text: &str) {
        let has_it = self.service.law.has(turn);
        let copied = self.journal.came_after_all.contains(turn) || self.is_on_its_way(turn);
        let storage_was_bad = self.tabs.iter().any(|tab| tab.met_bad_storage);
        let Some(typed) = self.journal.typed.get_mut(turn) else {
            return;
        };
        let right = typed.text == text;
        let kept = self
            .storage
            .texts
            .contains_key(&outbox::key_of(USERS[typed.user], turn));
        typed.stand = if kept || (storage_was_bad && has_it) {
            Stand::MayVanish("storage is or was out of reach and did not forget it")
        } else if copied {
            // The server said no, and a copy that the network made came later.
            Stand::MayVanish("the network sends it once more")
        } else {
            Stand::GivenBack
        };
        if has_it && !copied && !storage_was_bad {
            self.fail(format!("{turn} was given back as unsent and is on the server"));
        }
        if !right {
            self.fail(format!("{turn} was given back as {text:?}"));
        }
    }
}
