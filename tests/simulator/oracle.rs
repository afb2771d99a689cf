//! What must be true of everything shown, at any moment.

mod admission;
mod kept;
mod rest;

use std::collections::{BTreeSet, HashMap};

use production_chat::Millis;
use production_chat::license::Tier;
use production_chat::problem::ChatErrorDetail;
use production_chat::session::{AccountSnapshot, ChatMessage, ChatMessageStatus, ConversationSnapshot, QuotaAlert};

use crate::world::World;

/// What a tab has shown so far.
#[derive(Default)]
pub struct Seen {
    /// Each message as it was shown last, and in which look.
    messages: HashMap<String, (ChatMessage, u64)>,
    looks: u64,
    /// A clock set back makes what is shown stale, and fresh again later; nobody is told of either.
    pub clock_was_set: bool,
    /// Each conversation as it was shown last.
    kept: HashMap<String, kept::Kept>,
    user: Option<String>,
    plan: Option<Tier>,
    /// Limits that came near for this user under this plan, and when the day was to end.
    alerts: Vec<(QuotaAlert, Millis)>,
}

impl Seen {
    /// Another user, or another plan: what was told before counts no more.
    fn keep_up_with(&mut self, account: &AccountSnapshot) {
        let plan = account.license.as_ref().map(|license| license.tier);
        if (&account.user_id, plan) != (&self.user, self.plan) {
            (self.user, self.plan) = (account.user_id.clone(), plan);
            self.alerts.clear();
        }
    }
}

impl World {
    pub fn account(&self, tab: usize) -> Option<AccountSnapshot> {
        let session = self.tabs[tab].session.as_ref()?;
        Some(session.account(self.local(tab)))
    }

    pub fn conversation(&self, tab: usize, id: &str) -> Option<ConversationSnapshot> {
        let session = self.tabs[tab].session.as_ref()?;
        Some(session.conversation(id, self.local(tab)))
    }

    pub fn user_of_tab(&self, tab: usize) -> Option<String> {
        self.account(tab)?.user_id
    }

    /// Somebody is told that something changed, and looks at everything: what nobody said has changed must not have.
    pub fn look(&mut self, tab: usize, account: bool) {
        if account {
            self.check_account(tab);
        }
        let looked_at = self.tabs[tab].looks.clone();
        if looked_at.is_empty() {
            return;
        }
        let user = self.user_of_tab(tab);
        for id in &looked_at {
            self.check_conversation(tab, id, user.as_deref());
        }
    }

    pub fn saw_error(&mut self, error: &ChatErrorDetail) {
        self.coverage.error(error.code);
        if error.message.is_empty() {
            self.fail(format!("an error without words: {error:?}"));
        }
    }

    pub fn check_account(&mut self, tab: usize) {
        let Some(account) = self.account(tab) else { return };
        if let Some(error) = &account.error {
            self.saw_error(error);
        }
        self.tabs[tab].seen.keep_up_with(&account);
        let mut ids = BTreeSet::new();
        for conversation in &account.conversations {
            if !ids.insert(&conversation.id) {
                self.fail(format!("tab {tab} lists {} twice", conversation.id));
            }
            let whose = self
                .service
                .law
                .rooms
                .get(&conversation.id)
                .map(|room| room.user.clone());
            if whose.is_some() && whose != account.user_id {
                self.fail(format!("tab {tab} lists a conversation of {whose:?}"));
            }
        }
    }

    /// No level of a limit is told twice in a day, and what is told is so.
    pub fn check_alert(&mut self, tab: usize, alert: QuotaAlert) {
        let Some(account) = self.account(tab) else { return };
        self.tabs[tab].seen.keep_up_with(&account);
        let Some(stats) = account.usage_stats else {
            return self.fail(format!("tab {tab} is told {alert:?} and shows no usage"));
        };
        if stats.alert_level < alert.level {
            self.fail(format!("tab {tab} is told {alert:?} and shows {:?}", stats.alert_level));
        }
        let told = &mut self.tabs[tab].seen.alerts;
        let same = |(told, day_resets_at): &(QuotaAlert, Millis)| {
            (told.limit, told.max, *day_resets_at) == (alert.limit, alert.max, stats.day_resets_at)
        };
        let again = told.iter().any(|it| same(it) && it.0.level >= alert.level);
        told.push((alert, stats.day_resets_at));
        if again {
            self.fail(format!("tab {tab} is told again of {alert:?}"));
        }
    }

    fn check_conversation(&mut self, tab: usize, id: &str, user: Option<&str>) {
        let Some(snapshot) = self.conversation(tab, id) else {
            return;
        };
        if let Some(error) = &snapshot.head.error {
            self.saw_error(error);
        }
        let letter = user.and_then(|user| user.chars().next());
        self.tabs[tab].seen.looks += 1;
        let look = self.tabs[tab].seen.looks;
        let mut last_seq = 0;
        let kept = self.tabs[tab].seen.kept.remove(id);
        let session = self.tabs[tab].session.as_ref();
        let kept = kept.filter(|_| !self.tabs[tab].seen.clock_was_set);
        let lags = session.and_then(|session| kept?.lags_behind(session, self.local(tab), &snapshot));
        let mut wrong: Vec<String> = lags.into_iter().collect();
        for message in snapshot.messages.iter().chain(&snapshot.queue) {
            if let Some(seq) = message.seq {
                if seq <= last_seq {
                    wrong.push(format!("shows {} out of order", message.id));
                }
                last_seq = seq;
            }
            if letter.is_some() && !message.content.is_empty() && message.content.chars().next() != letter {
                wrong.push(format!("shows somebody else's {:?}", message.content));
            }
            // What storage did not forget may be old.
            let claims = is_claim(message) && !self.tabs[tab].met_bad_storage;
            if claims && (self.service.law.has(&message.id) || self.is_on_its_way(&message.id)) {
                wrong.push(format!("calls {} unsent, which it is not", message.id));
            }
            if message.conversation_id != id {
                wrong.push(format!("shows {} of another conversation", message.id));
            }
            if let Some(error) = &message.error {
                self.coverage.error(error.code);
            }
            let seen = &mut self.tabs[tab].seen.messages;
            let Some((before, shown)) = seen.get_mut(&message.id) else {
                seen.insert(message.id.clone(), (message.clone(), look));
                continue;
            };
            if *shown == look {
                wrong.push(format!("shows {} twice", message.id));
            }
            if before.version == message.version && before != message {
                wrong.push(format!(
                    "{} changed and its version did not: {:?} {:?}",
                    message.id, before.status, message.status
                ));
            }
            if before != message {
                *before = message.clone();
            }
            *shown = look;
        }
        let typed_here = snapshot
            .queue
            .iter()
            .filter_map(|message| self.journal.typed.get(&message.id));
        let order: Vec<u64> = typed_here
            .filter(|typed| typed.tab == tab && typed.in_order)
            .map(|typed| typed.serial)
            .collect();
        if !order.is_sorted() {
            wrong.push("queues out of order".to_owned());
        }
        let failed = snapshot
            .messages
            .iter()
            .filter(|it| it.status == ChatMessageStatus::Failed);
        for message in failed.filter(|it| it.seq.is_none()) {
            if message.error.is_none() {
                wrong.push(format!("{} failed without a reason", message.id));
            }
        }
        if let Some(session) = &self.tabs[tab].session {
            let kept = kept::Kept::new(session, id, snapshot);
            self.tabs[tab].seen.kept.insert(id.to_owned(), kept);
        }
        for what in wrong {
            self.fail(format!("tab {tab}, {id}: {what}"));
        }
    }
}

/// It is said never to have been sent.
fn is_claim(message: &ChatMessage) -> bool {
    let error = message.error.as_ref();
    error.is_some_and(|error| error.message == "Stopped before it was sent.")
}
