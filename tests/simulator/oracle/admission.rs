//! What must be true of a message that a tab took: the limits had room for it, and it is stored.

use production_chat::outbox;
use production_chat::session::{ChatMessageStatus, StorageKind};

use crate::journal::{Stand, Typed};
use crate::law::State;
use crate::world::{USERS, World};

impl World {
    /// A message was taken with fresh figures: then the hour and the day, as they were known, had room for it.
    pub fn check_admitted(&mut self, tab: usize, turn: &str) {
        let Some(account) = self.account(tab) else { return };
        let Some(user) = account.user_id.clone() else { return };
        let version = self.service.law.books[&user].version;
        let fresh = !account.is_stale && !account.is_fallback && !self.advises_only();
        if !fresh || self.tabs[tab].clock_is_wrong || self.tabs[tab].knows != Some((user.clone(), version)) {
            return;
        }
        // The client's idea of the server's clock is as good as the latency was.
        let usage = self.service.law.usage(&user).aged(self.now + 13_000);
        let mut going = 0;
        for other in 0..self.tabs.len() {
            // What was typed in another tab a moment ago, or while one of the two was frozen, cannot be known here.
            if other == tab || !(self.tabs[tab].was_frozen || self.tabs[other].was_frozen) {
                going += self.on_their_way(other, turn, if other == tab { 0 } else { 200 });
            }
        }
        // A message that failed here may have arrived all the same: then it costs nothing more to send it again.
        let arrived = self
            .service
            .law
            .turns
            .get(turn)
            .is_some_and(|it| it.state != State::Released);
        if arrived
            || self
                .journal
                .typed
                .get(turn)
                .is_some_and(|typed| self.has_left(tab, typed, turn))
        {
            return;
        }
        let quotas = &usage.quotas;
        let (hour, day) = (usage.messages_this_hour.total(), usage.messages_today.total());
        if hour + going >= quotas.max_messages_per_hour {
            self.fail(format!(
                "tab {tab} takes {turn} when the hour is spent: {hour} and {going} on their way"
            ));
        }
        if day + going >= quotas.max_messages_per_day {
            self.fail(format!(
                "tab {tab} takes {turn} when the day is spent: {day} and {going} on their way"
            ));
        }
    }

    /// Messages on their way from a tab that the server does not know, typed at least so many milliseconds ago.
    fn on_their_way(&self, tab: usize, but: &str, ago: u64) -> u64 {
        let life = self.tabs[tab].life;
        let mut going = 0;
        let here = self.journal.typed.iter().filter(|(turn, typed)| {
            let told = ago == 0 || typed.at + ago <= self.now;
            typed.tab == tab && typed.life == life && told && *turn != but
        });
        for (turn, typed) in here {
            let known = self
                .service
                .law
                .turns
                .get(turn)
                .is_some_and(|turn| turn.state != State::Released);
            let snapshot = self.conversation(tab, &typed.conversation).filter(|_| !known);
            let sending = snapshot.is_some_and(|it| {
                it.messages
                    .iter()
                    .any(|it| it.id == *turn && it.status == ChatMessageStatus::Sending)
            });
            going += u64::from(sending && self.user_of_tab(tab) == Some(USERS[typed.user].to_owned()));
        }
        going
    }

    /// It is no message of this tab's outbox any more.
    fn has_left(&self, tab: usize, typed: &Typed, turn: &str) -> bool {
        let snapshot = self.conversation(tab, &typed.conversation);
        snapshot.is_some_and(|it| {
            let mut here = it.messages.iter().chain(&it.queue);
            !here.any(|it| it.id == turn && it.seq.is_none())
        })
    }

    /// Where storage is said to work, it holds what the tab has to send.
    pub fn check_stored(&mut self, tab: usize, storage: StorageKind) {
        let Some(user) = self.user_of_tab(tab).filter(|_| storage == StorageKind::Persistent) else {
            return;
        };
        let life = self.tabs[tab].life;
        let here = |typed: &Typed| typed.tab == tab && typed.life == life && USERS[typed.user] == user;
        let unstored = self.journal.typed.iter().filter(|(turn, typed)| {
            let stored = self.storage.texts.contains_key(&outbox::key_of(&user, turn));
            here(typed) && typed.stand == Stand::Open && !stored && !self.has_left(tab, typed, turn)
        });
        let unstored: Vec<String> = unstored.map(|(turn, _)| turn.clone()).collect();
        for turn in unstored {
            self.fail(format!("tab {tab} says that {turn} is stored, and it is not"));
        }
    }
}
