//! What must be true of the whole when the world has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use production_chat::outbox;
use production_chat::session::{AccountStatus, ChatMessage, ChatMessageStatus, ConversationStatus, StorageKind};

use crate::journal::Stand;
use crate::law::shown;
use crate::world::{START, USERS, World};

impl World {
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

/// The name a status has on both sides.
fn name(status: &impl std::fmt::Debug) -> String {
    format!("{status:?}")
}
