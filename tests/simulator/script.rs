//! What people do for two hours: at random, by weights, in bursts.

mod looking;
mod rest;
mod writing;

use production_chat::Millis;
use production_chat::license::Quotas;
use production_chat::session::{ChatMessageStatus, Input};

use crate::world::{Happening, START, USERS, World};

const TWO_HOURS: Millis = 7_200_000;
const MINUTE: Millis = 60_000;

#[derive(Debug, Clone, Copy)]
enum Act {
    Open,
    Close,
    NewConversation,
    Send,
    SendPatiently,
    SendNonsense,
    Regenerate,
    Stop,
    Retry,
    Discard,
    CancelQueued,
    PageBack,
    Refetch,
    RefetchAccount,
    ListMore,
    Rename,
    Delete,
    ClearError,
    SwitchTab,
    GoOffline,
    Freeze,
    Crash,
    CloseTab,
    StorageFull,
    StorageDisabled,
    TokensRefused,
    SessionExpires,
    SignOut,
    OtherUser,
    ChangePlan,
    Outage,
    SetClock,
    HearNonsense,
    StoreNonsense,
}

const ACTS: &[(u64, Act)] = &[
    (50, Act::Open),
    (25, Act::Close),
    (20, Act::NewConversation),
    (190, Act::Send),
    (40, Act::SendPatiently),
    (4, Act::SendNonsense),
    (25, Act::Regenerate),
    (35, Act::Stop),
    (35, Act::Retry),
    (15, Act::Discard),
    (20, Act::CancelQueued),
    (20, Act::PageBack),
    (15, Act::Refetch),
    (10, Act::RefetchAccount),
    (4, Act::ListMore),
    (10, Act::Rename),
    (6, Act::Delete),
    (10, Act::ClearError),
    (40, Act::SwitchTab),
    (12, Act::GoOffline),
    (10, Act::Freeze),
    (12, Act::Crash),
    (6, Act::CloseTab),
    (4, Act::StorageFull),
    (3, Act::StorageDisabled),
    (3, Act::TokensRefused),
    (3, Act::SessionExpires),
    (2, Act::SignOut),
    (2, Act::OtherUser),
    (4, Act::ChangePlan),
    (4, Act::Outage),
    (3, Act::SetClock),
    (4, Act::HearNonsense),
    (3, Act::StoreNonsense),
];

fn name_of(act: Act) -> String {
    format!("act: {act:?}")
}

/// Everything people do.
pub fn all_acts() -> Vec<String> {
    ACTS.iter().map(|(_, act)| name_of(*act)).collect()
}

impl World {
    /// Two hours with whatever happens in them, then rest.
    pub fn live(&mut self) {
        let end = START + TWO_HOURS;
        let mut tab = 0;
        while self.failures.is_empty() && (self.now < end || u64::from(self.acts) < 50) {
            let pause = self
                .dice
                .weighted(&[(4, 300), (4, 4_000), (3, 30_000), (3, 180_000), (1, 900_000)]);
            let pause = pause * self.dice.between(1, 2_000) / 1_000;
            self.run_until(self.now + pause);
            let act = self.dice.weighted(ACTS);
            if matches!(act, Act::SwitchTab) {
                tab = (tab + 1) % self.tabs.len();
            }
            if self.tabs[tab].session.is_none() || self.tabs[tab].frozen {
                continue;
            }
            self.acts += 1;
            self.coverage.count(&name_of(act));
            self.note(|| format!("tab {tab}: {act:?}"));
            self.do_it(tab, act);
        }
    }

    fn do_it(&mut self, tab: usize, act: Act) {
        match act {
            Act::Open => {
                if let Some(id) = self.some_conversation(tab) {
                    self.open(tab, &id);
                }
            }
            Act::Close => {
                if let Some(id) = self.looked_at(tab) {
                    self.close(tab, &id);
                }
            }
            Act::NewConversation => {
                let agent = self.dice.chance(100).then(|| "coding".to_owned());
                let id = self
                    .act(tab, |session, at| session.new_conversation(agent, at))
                    .unwrap();
                self.open(tab, &id);
            }
            Act::Send => self.send(tab, false),
            Act::SendPatiently => self.send(tab, true),
            Act::SendNonsense => self.send_nonsense(tab),
            Act::Regenerate => {
                if let Some(id) = self.looked_at(tab)
                    && let Some(Err(error)) = self.act(tab, |session, at| session.regenerate(&id, at))
                {
                    self.saw_error(&error);
                }
            }
            Act::Stop => {
                if let Some(id) = self.looked_at(tab) {
                    self.act(tab, |session, at| session.stop(&id, at));
                }
            }
            Act::Retry => {
                if let Some(id) = self.shown_as(tab, ChatMessageStatus::Failed) {
                    self.retry(tab, &id);
                }
            }
            Act::Discard => {
                if let Some(id) = self.shown_as(tab, ChatMessageStatus::Failed)
                    && let Some(Some(text)) = self.act(tab, |session, at| session.take_back(&id, at))
                {
                    self.journal_given_back(&id, &text);
                }
            }
            Act::CancelQueued => {
                if let Some(id) = self.shown_as(tab, ChatMessageStatus::Queued)
                    && let Some(Some(text)) = self.act(tab, |session, at| session.take_back(&id, at))
                {
                    self.journal_given_back(&id, &text);
                }
            }
            Act::PageBack => {
                if let Some(id) = self.looked_at(tab) {
                    self.act(tab, |session, at| session.fetch_next_page(&id, at));
                }
            }
            Act::Refetch => {
                if let Some(id) = self.looked_at(tab) {
                    self.act(tab, |session, at| session.refetch(&id, at));
                }
            }
            Act::RefetchAccount => drop(self.act(tab, |session, at| session.refetch_account(at))),
            Act::ListMore => drop(self.act(tab, |session, at| session.fetch_next_conversations(at))),
            Act::Rename => {
                if let Some(id) = self.some_conversation(tab) {
                    let title = format!("{} title {}", USERS[0], self.acts);
                    self.act(tab, |session, at| session.rename_conversation(&id, &title, at));
                }
            }
            Act::Delete => {
                if let Some(id) = self.some_conversation(tab) {
                    self.journal_may_vanish("its conversation was deleted", |typed| typed.conversation == id);
                    self.act(tab, |session, at| session.delete_conversation(&id, at));
                }
            }
            Act::ClearError => {
                if let Some(id) = self.looked_at(tab) {
                    self.act(tab, |session, _| session.clear_error(&id));
                }
            }
            Act::SwitchTab => self.feed(tab, Input::Visible),
            Act::GoOffline => {
                let delay = self.dice.between(1_000, 300_000);
                for tab in 0..self.tabs.len() {
                    self.later(1, Happening::Network { tab, online: false });
                    self.later(delay, Happening::Network { tab, online: true });
                }
            }
            Act::Freeze => {
                self.tabs[tab].frozen = true;
                self.tabs[tab].was_frozen = true;
                let delay = self.dice.between(1_000, 900_000);
                self.later(delay, Happening::Thaw(tab));
            }
            Act::Crash | Act::CloseTab => {
                self.unload_tab(tab, matches!(act, Act::Crash));
                let delay = self.dice.between(500, 120_000);
                self.later(delay, Happening::Reload(tab));
            }
            Act::StorageFull | Act::StorageDisabled => {
                match act {
                    Act::StorageFull => self.storage.full = true,
                    _ => self.storage.disabled = true,
                }
                for tab in &mut self.tabs {
                    tab.met_bad_storage = true;
                }
                let delay = self.dice.between(10_000, 1_200_000);
                self.later(delay, Happening::StorageMended);
            }
            Act::TokensRefused => {
                self.service.refuses_tokens = true;
                let delay = self.dice.between(1_000, 120_000);
                self.later(delay, Happening::TokensMended);
            }
            Act::SessionExpires => {
                let Some(user) = self.signed_in.take() else { return };
                self.auth_changed();
                let delay = self.dice.between(5_000, 120_000);
                self.later(delay, Happening::SignIn(user));
            }
            Act::SignOut => self.sign_out(tab),
            Act::OtherUser => {
                if let Some(user) = self.signed_in.filter(|_| !self.somebody_unknown_typed()) {
                    self.sign_in(1 - user);
                    let delay = self.dice.between(60_000, 900_000);
                    self.later(delay, Happening::SignIn(user));
                }
            }
            Act::ChangePlan => {
                let Some(user) = self.signed_in else { return };
                let tier = self.dice.weighted(&[(1, 0), (1, 1), (1, 2)]);
                let quotas: Quotas = self.service.law.tiers[tier].clone();
                self.service.law.change_plan(USERS[user], quotas);
            }
            Act::Outage => self.weather.outage_until = self.now + self.dice.between(1_000, 240_000),
            Act::SetClock => {
                self.tabs[tab].skew += self.dice.below(1_200_000) as i64 - 600_000;
                // Until the next word of the server it cannot know the time.
                self.tabs[tab].clock_is_wrong = true;
                self.tabs[tab].seen.clock_was_set = true;
                // A set clock wakes nobody; the platform's timers go on as they were.
            }
            Act::HearNonsense => {
                let texts = [
                    "",
                    "{}",
                    "null",
                    "{\"v\":2}",
                    "{\"v\":1,\"userId\":7}",
                    "[[[[[[",
                    "\u{0}",
                ];
                let text = (*self.dice.pick(&texts).unwrap()).to_owned();
                self.feed(tab, Input::Tab(text));
            }
            Act::StoreNonsense => {
                let user = self.signed_in.unwrap_or(0);
                let (version, text) =
                    self.dice
                        .weighted(&[(1, (1, "{\"v\":1}")), (1, (0, "{\"v\":0}")), (1, (1, "\u{0}["))]);
                let key = format!(
                    "production-chat:outbox:{version}:{}:nonsense-{}",
                    USERS[user], self.acts
                );
                if !self.storage.full && !self.storage.disabled {
                    self.storage.texts.insert(key, text.to_owned());
                }
            }
        }
    }

    fn sign_out(&mut self, tab: usize) {
        let Some(user) = self.signed_in.take() else { return };
        // The tab may not know yet that somebody else has signed in: then it is the one before who signs out in it.
        let here = self.user_of_tab(tab);
        let leaves = move |it: usize| it == user || here.as_deref() == Some(USERS[it]);
        self.journal_may_vanish("its user signed out", |typed| leaves(typed.user));
        self.act(tab, |session, _| session.sign_out());
        self.auth_changed();
        let next = if self.dice.chance(500) || self.somebody_unknown_typed() {
            user
        } else {
            1 - user
        };
        let delay = self.dice.between(3_000, 60_000);
        self.later(delay, Happening::SignIn(next));
    }
}
