//! Everything that can happen, and what it does; what is meant for a frozen tab waits until it thaws.

use production_chat::session::Input;

use super::World;
use crate::network::Arrival;

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

impl World {
    pub(super) fn happen(&mut self, what: Happening) {
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

    pub fn happen_now(&mut self, what: Happening) {
        self.happen(what);
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
}
