//! What people do in the end, when all is quiet: they come back to each tab and see to what is left.

use std::collections::BTreeSet;

use production_chat::session::{AccountStatus, ChatMessageStatus, Input};

use super::MINUTE;
use crate::network::Weather;
use crate::service::Fate;
use crate::world::{Happening, World};

impl World {
    /// Faults end, and people come back to each tab and see to what is left.
    pub fn come_to_rest(&mut self) {
        self.quiet = true;
        self.note(|| "all faults end".to_owned());
        self.weather = Weather::calm();
        self.service.fates = vec![(1, Fate::Answers)];
        self.service.refuses_tokens = false;
        (self.storage.full, self.storage.disabled) = (false, false);
        self.run_until(self.now + 20 * MINUTE);
        if self.signed_in != Some(0) {
            self.sign_in(0);
        }
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].session.is_none() {
                self.load_tab(tab);
            }
            if self.tabs[tab].frozen {
                self.thaw(tab);
            }
            if !self.tabs[tab].online {
                self.happen_now(Happening::Network { tab, online: true });
            }
        }
        self.run_until(self.now + MINUTE);
        for tab in 0..self.tabs.len() {
            if self
                .account(tab)
                .is_some_and(|it| it.status == AccountStatus::SignedOut)
            {
                self.act(tab, |session, _| session.access_token_changed());
            }
        }
        self.run_until(self.now + 5 * MINUTE);
        for _ in 0..2 {
            self.see_to_what_failed();
            self.run_until(self.now + 10 * MINUTE);
        }
        // Long enough for every hour to free its places.
        self.run_until(self.now + 90 * MINUTE);
        for tab in 0..self.tabs.len() {
            self.feed(tab, Input::Visible);
            self.run_until(self.now + MINUTE);
        }
        self.run_until(self.now + 10 * MINUTE);
        for tab in 0..self.tabs.len() {
            self.act(tab, |session, at| session.refetch_account(at));
        }
        self.run_until(self.now + MINUTE);
        self.let_go_what_was_queued();
        let before: Vec<u32> = self.tabs.iter().map(|tab| tab.timeouts + tab.fetches).collect();
        self.run_until(self.now + 4 * MINUTE);
        self.let_go_what_was_queued();
        for (tab, before) in before.into_iter().enumerate() {
            let did = self.tabs[tab].timeouts + self.tabs[tab].fetches - before;
            if did > 20 {
                self.fail(format!(
                    "tab {tab} does not come to rest: {did} timers and requests in four minutes"
                ));
            }
        }
    }

    /// A queued message may go at this very moment: its hour or day has come.
    fn let_go_what_was_queued(&mut self) {
        for _ in 0..20 {
            if self.tabs.iter().all(|tab| tab.wires.is_empty()) {
                break;
            }
            self.run_until(self.now + 2 * MINUTE);
        }
    }

    /// The other user comes back to what they left.
    pub fn hand_over(&mut self) {
        if self.journal.typed.values().any(|typed| typed.user == 1) {
            self.sign_in(1);
            self.run_until(self.now + 10 * MINUTE);
            self.see_to_what_failed();
        }
    }

    fn see_to_what_failed(&mut self) {
        let conversations: BTreeSet<String> = self.journal.typed.values().map(|it| it.conversation.clone()).collect();
        for tab in 0..self.tabs.len() {
            for id in &conversations {
                let Some(snapshot) = self.conversation(tab, id) else {
                    continue;
                };
                let failed: Vec<String> = snapshot
                    .messages
                    .iter()
                    .filter(|it| it.status == ChatMessageStatus::Failed && it.seq.is_none())
                    .map(|it| it.id.clone())
                    .collect();
                if failed.is_empty() {
                    continue;
                }
                self.open(tab, id);
                self.run_until(self.now + 5_000);
                for id in failed {
                    self.retry(tab, &id);
                    self.run_until(self.now + 2 * MINUTE);
                }
            }
        }
    }
}
