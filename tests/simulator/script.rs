//! What people do: at random, by weights, in bursts; and what they do in the end, when all is quiet.

use std::collections::BTreeSet;

use production_chat::Millis;
use production_chat::license::Quotas;
use production_chat::problem::ChatErrorCode;
use production_chat::session::{AccountStatus, ChatMessageStatus, Draft, Input};

use crate::network::Weather;
use crate::service::Fate;
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
        let wanted = self.dice.between(50, 110);
        while self.failures.is_empty() && (self.now < end || u64::from(self.acts) < 50) {
            let pause = self
                .dice
                .weighted(&[(3, 300), (4, 4_000), (4, 30_000), (2, 120_000), (1, 600_000)]);
            let pause = pause * self.dice.between(1, 2_000) / 1_000;
            self.run_until(self.now + pause.min(2 * TWO_HOURS / wanted * 4));
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
                    && let Some(Some(text)) = self.act(tab, |session, at| session.discard(&id, at))
                {
                    self.journal_given_back(&id, &text);
                }
            }
            Act::CancelQueued => {
                if let Some(id) = self.shown_as(tab, ChatMessageStatus::Queued)
                    && let Some(Some(text)) = self.act(tab, |session, at| session.cancel_queued(&id, at))
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

    fn open(&mut self, tab: usize, id: &str) {
        // A person looks at two conversations at most.
        while self.tabs[tab].looks.len() >= 2 {
            let oldest = self.tabs[tab].looks[0].clone();
            self.close(tab, &oldest);
        }
        self.tabs[tab].looks.push(id.to_owned());
        self.act(tab, |session, at| session.open(id, at));
        self.look(tab, true, &[id.to_owned()]);
    }

    fn close(&mut self, tab: usize, id: &str) {
        if let Some(place) = self.tabs[tab].looks.iter().position(|it| it == id) {
            self.tabs[tab].looks.remove(place);
            self.act(tab, |session, _| session.close(id));
        }
    }

    fn looked_at(&mut self, tab: usize) -> Option<String> {
        let looks = self.tabs[tab].looks.clone();
        self.dice.pick(&looks).cloned()
    }

    fn some_conversation(&mut self, tab: usize) -> Option<String> {
        if self.dice.chance(30) {
            return Some("0f000000-0000-4000-8000-00000000dead".to_owned());
        }
        let account = self.account(tab)?;
        self.dice
            .pick(&account.conversations)
            .map(|it| it.id.clone())
            .or_else(|| self.looked_at(tab))
    }

    fn shown_as(&mut self, tab: usize, status: ChatMessageStatus) -> Option<String> {
        let looks = self.tabs[tab].looks.clone();
        let snapshots: Vec<_> = looks.iter().filter_map(|id| self.conversation(tab, id)).collect();
        let all = snapshots.iter().flat_map(|it| it.messages.iter().chain(&it.queue));
        let ids: Vec<String> = all
            .filter(|it| it.status == status && it.seq.is_none())
            .map(|it| it.id.clone())
            .collect();
        self.dice.pick(&ids).cloned()
    }

    fn retry(&mut self, tab: usize, id: &str) {
        match self.act(tab, |session, at| session.retry(id, at)) {
            Some(Err(error)) => self.saw_error(&error),
            Some(Ok(())) => self.check_admitted(tab, id),
            None => {}
        }
    }

    fn send(&mut self, tab: usize, patiently: bool) {
        let Some(id) = self.looked_at(tab) else {
            let id = self.some_conversation(tab);
            if let Some(id) = id {
                self.open(tab, &id);
            }
            return;
        };
        let user = self
            .user_of_tab(tab)
            .unwrap_or_else(|| USERS[self.signed_in.unwrap_or(0)].to_owned());
        let letter = &user[..1];
        let more = self.dice.weighted(&[(8, 10), (2, 400), (1, 3_000)]);
        self.journal.texts += 1;
        let text = format!("{letter}? {}é {}", self.journal.texts, "x".repeat(more));
        let draft = Draft {
            conversation_id: id.clone(),
            text: text.clone(),
            agent: self.dice.chance(30).then(|| "coding".to_owned()),
            files: self.dice.chance(20).then_some(1),
            queue: patiently.then_some(true),
        };
        let now = self.local(tab);
        let verdict = self.tabs[tab]
            .session
            .as_ref()
            .map(|session| session.check(&draft, now));
        let verdict = verdict.unwrap();
        match self.act(tab, |session, at| session.send(&draft, at)).unwrap() {
            Ok(turn) => {
                self.coverage.count("act: a message is taken");
                self.journal_typed(tab, &turn, &id, &text);
                if !verdict.allowed && !patiently {
                    self.fail(format!("tab {tab} takes what it would not allow"));
                }
                if verdict.allowed {
                    self.check_admitted(tab, &turn);
                }
            }
            Err(error) => {
                self.coverage.count("act: a message is refused");
                self.saw_error(&error);
                let signed_out = self
                    .account(tab)
                    .is_some_and(|it| it.status == AccountStatus::SignedOut);
                let deleted = error.code == ChatErrorCode::NotFound;
                if verdict.allowed && !signed_out && !deleted {
                    self.fail(format!("tab {tab} allows and then refuses: {error:?}"));
                }
            }
        }
    }

    fn send_nonsense(&mut self, tab: usize) {
        let (id, text) = match self.dice.below(3) {
            0 => ("../../x".to_owned(), "a? x".to_owned()),
            1 => ("0f000000-0000-4000-8000-00000000dead".to_owned(), "  \n".to_owned()),
            _ => ("0f000000-0000-4000-8000-00000000dead".to_owned(), "a".repeat(16_001)),
        };
        let draft = Draft {
            conversation_id: id,
            text,
            ..Draft::default()
        };
        match self.act(tab, |session, at| session.send(&draft, at)).unwrap() {
            Ok(_) => self.fail(format!("tab {tab} takes nonsense")),
            Err(error) => self.saw_error(&error),
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
