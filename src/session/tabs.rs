//! What the tabs of one user tell each other: the newest usage, what each has in flight, what changed.
//!
//! A tab sends what was typed in it. Each has a name and keeps the lock of that name while it lives; what a tab left
//! behind in storage is taken over by another one as soon as that lock is free.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::message::Conversation;
use crate::table::Table;
use crate::usage::{Hold, Holds, UsageSnapshot};

use super::wire;
use super::{Effect, Moment, Session};

/// One thing told.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    /// The version of this shape. Tabs may run different builds.
    v: u32,
    user_id: String,
    organization_id: Option<String>,
    news: News,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum News {
    /// The newest usage.
    Usage(Box<UsageSnapshot>),
    /// Something changed in a conversation.
    Conversation(Changed),
    /// The conversation list changed.
    List,
    /// A turn has left the outbox: answered, taken back or discarded.
    Gone(String),
    /// All that a tab has in flight and the server does not count yet.
    Holds(TabHolds),
    /// A tab is new and wants to know what the others have in flight.
    Hello,
    /// The user signed out.
    SignedOut,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    id: String,
    conversation: Option<Conversation>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TabHolds {
    tab: String,
    turns: Vec<HeldTurn>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeldTurn {
    turn_id: String,
    conversation_id: String,
    max_cost: u64,
    at: Millis,
}

const VERSION: u32 = 1;
/// A tab that says nothing for so long is frozen or gone: what it had in flight no longer counts here.
const LAPSE: Millis = 120_000;
/// A tab has no more turns in flight than this.
const MAX_HELD: usize = 100;
/// More tabs than this nobody has open; the names of ended ones are kept up to this many.
const MAX_TABS: usize = 64;

/// What is known of the other tabs.
#[derive(Default)]
pub(super) struct Others {
    /// By tab, what it has in flight, and when it said so.
    holds: Table<String, (Holds, Millis)>,
    /// Tabs whose end is awaited.
    awaited: Vec<String>,
    /// Tabs that are gone.
    ended: Vec<String>,
    /// What was told last of this tab's own.
    told: Holds,
    /// When it was told again.
    told_at: Millis,
}

impl Others {
    pub(super) fn holds(&self) -> impl Iterator<Item = &Holds> {
        self.holds.values().map(|(holds, _)| holds)
    }

    pub(super) fn forget_holds(&mut self) {
        self.holds = Table::default();
    }

    pub(super) fn retain_unknown(&mut self, live_turn_ids: &[String]) {
        for (holds, _) in self.holds.values_mut() {
            holds.retain_unknown(live_turn_ids);
        }
    }

    /// When the next of them no longer counts.
    pub(super) fn next_lapse(&self) -> Option<Millis> {
        let held = self.holds.values().filter(|(holds, _)| !holds.is_empty());
        held.map(|(_, said_at)| said_at.saturating_add(LAPSE)).min()
    }

    /// When this tab's own have to be told again, lest they lapse in the others.
    pub(super) fn next_word(&self) -> Option<Millis> {
        (!self.told.is_empty()).then(|| self.told_at.saturating_add(LAPSE / 2))
    }
}

impl Session {
    pub(super) fn tell_usage(&mut self) {
        if let Some(usage) = self.account.usage.clone() {
            self.tell(News::Usage(Box::new(usage)));
        }
    }

    pub(super) fn tell_conversation(&mut self, id: &str) {
        let (id, conversation) = (id.to_owned(), self.conversation_of(id).cloned());
        self.tell(News::Conversation(Changed { id, conversation }));
    }

    pub(super) fn tell_list(&mut self) {
        self.tell(News::List);
    }

    pub(super) fn tell_gone(&mut self, turn_id: &str) {
        self.tell(News::Gone(turn_id.to_owned()));
    }

    pub(super) fn tell_hello(&mut self) {
        self.tell(News::Hello);
    }

    pub(super) fn tell_sign_out(&mut self) {
        self.tell(News::SignedOut);
    }

    /// Tells what is in flight here, if that changed.
    pub(super) fn tell_holds(&mut self) {
        if self.holds != self.others.told {
            self.others.told = self.holds.clone();
            self.tell_all_holds();
        }
    }

    pub(super) fn tell_again(&mut self, now: Millis) {
        if self.others.next_word().is_some_and(|word| word <= now) {
            self.others.told_at = now;
            self.tell_all_holds();
        }
    }

    fn tell_all_holds(&mut self) {
        let turns = self.holds.iter().map(|(turn_id, hold)| HeldTurn {
            turn_id: turn_id.clone(),
            conversation_id: hold.conversation_id.clone(),
            max_cost: hold.max_cost,
            at: hold.at,
        });
        let holds = TabHolds {
            tab: self.tab.clone(),
            turns: turns.collect(),
        };
        self.tell(News::Holds(holds));
    }

    pub(super) fn heard(&mut self, text: &str, at: &mut Moment) {
        let Some(told) = wire::read::<Told>(text) else { return };
        // Who signs out does so in every organization.
        let is_here = self.settings.organization_id == told.organization_id || matches!(told.news, News::SignedOut);
        let mine = self.identity.user_id.as_ref() == Some(&told.user_id) && is_here;
        if told.v != VERSION || !mine {
            return;
        }
        match told.news {
            // Nobody knows for how long it was under way.
            News::Usage(usage) => drop(self.take_usage(*usage, Some(0), at.now)),
            News::Conversation(Changed { id, conversation }) => {
                self.threads.invalidate(&id);
                self.change(&id);
                if let Some(conversation) = conversation.filter(|it| it.id == id && self.conversation_of(&id).is_some())
                {
                    self.set_conversation(conversation);
                }
                if self.talks.get(&id).is_some_and(|talk| talk.looks > 0) {
                    self.refetch(&id, at);
                }
                if self.conversation_of(&id).is_none() {
                    self.fetch_conversations(at);
                }
            }
            News::List => self.fetch_conversations(at),
            News::Gone(turn_id) => self.forget_turn(&turn_id),
            News::Holds(told) => self.take_holds(told, at.now),
            News::Hello if !self.holds.is_empty() => self.tell_all_holds(),
            News::Hello => {}
            News::SignedOut => self.forget_signed_out(),
        }
    }

    fn take_holds(&mut self, told: TabHolds, now: Millis) {
        if told.tab == self.tab || (self.others.holds.len() >= MAX_TABS && !self.others.holds.contains_key(&told.tab)) {
            return;
        }
        let mut holds = Holds::default();
        for turn in told.turns.into_iter().take(MAX_HELD) {
            let hold = Hold {
                max_cost: turn.max_cost,
                at: turn.at,
                conversation_id: turn.conversation_id,
            };
            holds.insert(turn.turn_id, hold);
        }
        if holds.is_empty() {
            self.others.holds.remove(&told.tab);
        } else {
            self.await_end(told.tab.clone());
            self.others.holds.insert(told.tab, (holds, now));
        }
        self.change_all();
        self.spent_at = Some(now);
    }

    /// What tabs had in flight that have said nothing for long no longer counts.
    pub(super) fn let_lapse(&mut self, now: Millis) {
        let before = self.others.holds.len();
        self.others
            .holds
            .retain(|_, (_, said_at)| said_at.saturating_add(LAPSE) > now);
        if self.others.holds.len() != before {
            self.change_all();
        }
    }

    /// Whether what a tab of this name left in storage is this tab's to send.
    pub(super) fn is_ours(&self, tab: &str) -> bool {
        tab.is_empty() || tab == self.tab || self.others.ended.iter().any(|ended| ended == tab)
    }

    pub(super) fn await_end(&mut self, tab: String) {
        if self.others.awaited.len() < MAX_TABS && !self.others.awaited.contains(&tab) {
            self.others.awaited.push(tab.clone());
            self.effects.push(Effect::AwaitEnd { tab });
        }
    }

    /// A tab is gone: what it had in flight counts no more, what it left unsent is sent from here.
    pub(super) fn tab_ended(&mut self, tab: String) {
        self.others.awaited.retain(|awaited| *awaited != tab);
        if self.others.holds.remove(&tab).is_some() {
            self.change_all();
        }
        if self.others.ended.len() >= MAX_TABS {
            self.others.ended.remove(0);
        }
        self.others.ended.push(tab);
        if let Some(user_id) = self.identity.user_id.clone() {
            self.effects.push(Effect::LoadOutbox { user_id });
        }
    }

    fn tell(&mut self, news: News) {
        let Some(user_id) = self.identity.user_id.clone() else {
            return;
        };
        let organization_id = self.settings.organization_id.clone();
        self.effects.push(Effect::Tell {
            text: wire::write(&Told {
                v: VERSION,
                user_id,
                organization_id,
                news,
            }),
        });
    }
}
