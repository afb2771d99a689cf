//! Tabs come and go: a page is loaded, crashes or is closed, and whoever waits for its end hears of it.

use std::collections::BTreeMap;

use production_chat::session::{Draft, Input, Session};

use super::{Happening, Tab, USERS, World};
use crate::oracle::Seen;

impl World {
    pub(super) fn add_tab(&mut self) {
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

    /// The lock of a tab's name is free: whoever waits for it gets it, one after the other.
    pub(super) fn tab_ended(&mut self, name: &str) {
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
}
