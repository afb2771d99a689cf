//! What must be true: of everything shown, at any moment; and of the whole when the world has come to rest.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use production_chat::Millis;
use production_chat::license::Tier;
use production_chat::outbox;
use production_chat::problem::ChatErrorDetail;
use production_chat::session::{
    AccountSnapshot, AccountStatus, ChatMessage, ChatMessageStatus, ConversationSnapshot, ConversationStatus,
    QuotaAlert, StorageKind,
};

use crate::journal::{Stand, Typed};
use crate::law::{State, shown};
use crate::world::{START, USERS, World};

/// What a tab has shown so far.
#[derive(Default)]
pub struct Seen {
    /// Each message as it was shown last, and in which look.
    messages: HashMap<String, (ChatMessage, u64)>,
    looks: u64,
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

    /// Somebody is told that something changed, and looks.
    pub fn look(&mut self, tab: usize, account: bool, conversations: &[String]) {
        if account {
            self.check_account(tab);
        }
        let looked_at = |id: &&String| self.tabs[tab].looks.contains(*id);
        let looked_at: Vec<&String> = conversations.iter().filter(looked_at).collect();
        if looked_at.is_empty() {
            return;
        }
        let user = self.user_of_tab(tab);
        for id in looked_at {
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
        let mut wrong = Vec::new();
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
        for what in wrong {
            self.fail(format!("tab {tab}, {id}: {what}"));
        }
    }

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

    /// The world is at rest: is everything where it belongs?
    pub fn check_end(&mut self) {
        self.check_messages();
        for tab in 0..self.tabs.len() {
            self.check_tab(tab);
        }
    }

    /// Every message is where its writer believes it to be.
    pub fn check_messages(&mut self) {
        let mut on_server: BTreeMap<String, (String, String)> = BTreeMap::new();
        let mut texts = BTreeSet::new();
        let mut wrong = Vec::new();
        for room in self.service.law.rooms.values() {
            for message in room
                .rows
                .iter()
                .map(|row| &row.message)
                .filter(|it| it.id == it.turn_id)
            {
                if !texts.insert(message.content.clone()) {
                    wrong.push(format!("{:?} is on the server twice", message.content));
                }
                let held = (message.content.clone(), room.user.clone());
                if on_server.insert(message.id.clone(), held).is_some() {
                    wrong.push(format!("{} is on the server twice", message.id));
                }
            }
        }
        let mut in_tabs: BTreeMap<String, (usize, ChatMessageStatus)> = BTreeMap::new();
        let conversations: BTreeSet<&String> = self.journal.typed.values().map(|typed| &typed.conversation).collect();
        for tab in 0..self.tabs.len() {
            for id in &conversations {
                let Some(snapshot) = self.conversation(tab, id) else {
                    continue;
                };
                for message in snapshot
                    .messages
                    .iter()
                    .chain(&snapshot.queue)
                    .filter(|it| it.seq.is_none())
                {
                    in_tabs.insert(message.id.clone(), (tab, message.status));
                }
            }
        }
        for (turn, typed) in &self.journal.typed {
            let stored = self
                .storage
                .texts
                .contains_key(&outbox::key_of(USERS[typed.user], turn));
            let shown_in = in_tabs.get(turn);
            let gone = typed.life != self.tabs[typed.tab].life;
            match (typed.stand, on_server.get(turn)) {
                (_, Some((text, user))) if *text != typed.text || user != USERS[typed.user] => {
                    wrong.push(format!("{turn} arrived as {text:?} of {user}"));
                }
                (Stand::GivenBack, Some(_)) => wrong.push(format!("{turn} was taken back and arrived")),
                (Stand::GivenBack, None) if shown_in.is_some() || stored => {
                    wrong.push(format!("{turn} was taken back and is still there: {shown_in:?}"));
                }
                // Another user's, which storage did not take: unseen until that user is back.
                (Stand::Open, None) if self.signed_in != Some(typed.user) && !gone && !stored => {}
                (Stand::Open, None) if shown_in.is_none() && !stored && (typed.stored || !gone) => {
                    wrong.push(format!("{turn} is lost: {typed:?}"));
                }
                (Stand::Open, Some(_)) if shown_in.is_some() => {
                    let deleted = self
                        .service
                        .law
                        .rooms
                        .get(&typed.conversation)
                        .is_some_and(|room| room.deleted);
                    // It was under way when the session ended, waits for a limit, and nobody looks.
                    let waits = shown_in.is_some_and(|(tab, status)| {
                        *status == ChatMessageStatus::Queued && !self.tabs[*tab].looks.contains(&typed.conversation)
                    });
                    let excused = deleted || (waits && typed.sent);
                    if !excused {
                        wrong.push(format!("{turn} arrived and is still shown as unsent: {shown_in:?}"));
                    }
                }
                (Stand::Open, None)
                    if shown_in.is_some_and(|(_, status)| {
                        !matches!(status, ChatMessageStatus::Failed | ChatMessageStatus::Queued)
                    }) =>
                {
                    wrong.push(format!("{turn} is still under way: {shown_in:?}"))
                }
                _ => {}
            }
        }
        for turn in on_server.keys() {
            let known = self.journal.typed.contains_key(turn) || turn.starts_with("00000000-");
            if !known {
                wrong.push(format!("{turn} is on the server and nobody typed it"));
            }
        }
        for what in wrong {
            self.fail(what);
        }
    }

    fn check_tab(&mut self, tab: usize) {
        let Some(account) = self.account(tab) else { return };
        let mut wrong = Vec::new();
        let user = self.signed_in.map(|user| USERS[user].to_owned());
        if account.status != AccountStatus::Ready || account.user_id != user {
            wrong.push(format!(
                "the account is {:?} of {:?}: {:?}",
                account.status, account.user_id, account.error
            ));
        }
        if !self.tabs[tab].wires.is_empty() {
            wrong.push(format!("requests are still on the wire: {:?}", self.tabs[tab].wires));
        }
        let user = user.unwrap_or_default();
        let usage = self.service.law.usage(&user);
        if let Some(stats) = &account.usage_stats {
            let shown = (
                stats.messages_today,
                stats.messages_held,
                stats.messages_this_hour,
                stats.cost_today_micro_usd,
                stats.cost_held_micro_usd,
            );
            let cost = usage.cost_today_micro_usd;
            let true_ones = (
                usage.messages_today.total(),
                usage.messages_today.held,
                usage.messages_this_hour.total(),
                cost.total(),
                cost.held,
            );
            // One behind another set quota aside, in the other tab too, an answer asked for anew among them.
            let all = (0..self.tabs.len()).filter_map(|tab| self.account(tab));
            let theirs = all.filter(|it| it.user_id == account.user_id);
            let waiting: u64 = theirs.map(|it| u64::from(it.unsent_count)).sum();
            let held_back = stats.messages_held.saturating_sub(usage.messages_today.held) <= waiting && waiting > 0;
            if shown != true_ones && !held_back {
                wrong.push(format!(
                    "usage is shown as {shown:?} and is {true_ones:?}; {waiting} wait"
                ));
            }
        }
        let (listed, _) = self.service.law.list(&user, None, 50);
        if account.conversations != listed {
            let short = |list: &[production_chat::message::Conversation]| {
                list.iter()
                    .map(|it| {
                        format!(
                            "{} {:?} {} {}",
                            &it.id,
                            it.title,
                            it.message_count,
                            it.updated_at - START.min(it.updated_at)
                        )
                    })
                    .collect::<Vec<_>>()
            };
            wrong.push(format!(
                "the conversations are listed as {:#?} and are {:#?}",
                short(&account.conversations),
                short(&listed)
            ));
        }
        let looks: BTreeSet<String> = self.tabs[tab].looks.iter().cloned().collect();
        for id in looks {
            let snapshot = self.conversation(tab, &id);
            let room = self
                .service
                .law
                .rooms
                .get(&id)
                .filter(|room| !room.deleted && room.user == user);
            let (Some(snapshot), Some(room)) = (snapshot, room) else {
                continue;
            };
            let head = &snapshot.head;
            if head.is_fetching || head.is_loading || head.is_fetching_next_page {
                wrong.push(format!("{id} is still being read"));
            }
            let failed = snapshot
                .messages
                .iter()
                .any(|it| it.status == ChatMessageStatus::Failed);
            let at_rest = matches!(head.status, ConversationStatus::Ready)
                || (head.status == ConversationStatus::Error && (failed || head.error.is_some()));
            if !at_rest {
                wrong.push(format!("{id} is {:?}: {:?}", head.status, head.error));
            }
            if head.conversation.as_ref() != Some(&room.conversation) {
                wrong.push(format!(
                    "{id} is shown as {:?} and is {:?}",
                    head.conversation, room.conversation
                ));
            }
            let settled: Vec<&ChatMessage> = snapshot.messages.iter().filter(|it| it.seq.is_some()).collect();
            let from = if head.has_next_page {
                settled.first().and_then(|first| first.seq).unwrap_or(u64::MAX)
            } else {
                0
            };
            let as_shown: Vec<_> = settled
                .iter()
                .map(|it| (it.seq, &it.id, &it.content, it.cost_micro_usd, name(&it.status)))
                .collect();
            let true_ones: Vec<_> = shown(room)
                .filter(|it| it.seq >= from)
                .map(|it| (Some(it.seq), &it.id, &it.content, it.cost_micro_usd, name(&it.status)))
                .collect();
            if as_shown != true_ones {
                let different: Vec<_> = as_shown.iter().filter(|it| !true_ones.contains(it)).collect();
                let missing: Vec<_> = true_ones.iter().filter(|it| !as_shown.contains(it)).collect();
                wrong.push(format!("{id} shows {different:?} in place of {missing:?}"));
            }
        }
        if account.storage == StorageKind::Memory && !self.tabs[tab].met_bad_storage {
            wrong.push("storage is said not to work".to_owned());
        }
        for what in wrong {
            self.fail(format!("tab {tab}: {what}"));
        }
    }
}

/// It is said never to have been sent.
fn is_claim(message: &ChatMessage) -> bool {
    let error = message.error.as_ref();
    error.is_some_and(|error| error.message == "Stopped before it was sent.")
}

/// The name a status has on both sides.
fn name(status: &impl std::fmt::Debug) -> String {
    format!("{status:?}")
}
