//! Turns that are not acknowledged yet: what was typed survives a reload, a crash and being offline.
//!
//! One storage key per turn, so that tabs never rewrite each other's entries.

use crate::Millis;
use crate::json::{self, Value};
use crate::problem::ChatErrorDetail;
use crate::table::Table;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The version of the stored form. A change that an older reader would misread raises it.
pub const VERSION: u32 = 1;
const PREFIX: &str = "production-chat:outbox:";
const SET_ASIDE: &str = "production-chat:outbox:set-aside:";

/// What a turn does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub enum Trigger {
    /// Sends a message.
    #[default]
    SubmitMessage,
    /// Replaces the last answer.
    RegenerateMessage,
}

/// Where a turn stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OutboxState {
    /// It waits for the turns before it, or for a limit to lift.
    Queued,
    /// It is under way.
    Sending,
    /// It did not go; the person decides.
    Failed(ChatErrorDetail),
}

/// A turn that is not acknowledged yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxEntry {
    /// [`VERSION`] when it was written.
    pub v: u32,
    /// The turn's id (UUIDv7), from keystroke to invoice.
    pub turn_id: String,
    /// Whose it is.
    pub user_id: String,
    /// The organization it is sent in; `None`: the personal one.
    pub organization_id: Option<String>,
    /// The conversation it belongs to.
    pub conversation_id: String,
    /// Whether it begins the conversation.
    pub new_conversation: bool,
    /// The agent it is for.
    pub agent: String,
    /// What it does.
    pub trigger: Trigger,
    /// The text; empty when regenerating.
    pub content: String,
    /// How many files are attached.
    pub files: u64,
    /// When it was written (milliseconds since the epoch).
    pub created_at: Millis,
    /// Where it stands.
    pub state: OutboxState,
    /// It may not go before this instant.
    pub not_before: Option<Millis>,
    /// A request of it went out, and the server has not said since that it does not have it.
    #[serde(default)]
    pub went: bool,
    /// The person wants it stopped: it is not sent any more.
    #[serde(default)]
    pub stop_wanted: bool,
    /// The tab it was typed in.
    pub owner_tab: String,
}

impl OutboxEntry {
    /// Whether it waits.
    pub fn is_queued(&self) -> bool {
        matches!(self.state, OutboxState::Queued)
    }

    /// Whether it is under way.
    pub fn is_sending(&self) -> bool {
        matches!(self.state, OutboxState::Sending)
    }

    /// Whether it did not go.
    pub fn has_failed(&self) -> bool {
        matches!(self.state, OutboxState::Failed(_))
    }
}

/// The turns that are not acknowledged yet, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outbox {
    /// By turn id: UUIDv7s sort by the time they were made.
    entries: Table<String, OutboxEntry>,
}

impl Outbox {
    /// Nothing waits.
    pub fn new() -> Outbox {
        Outbox::default()
    }

    /// Puts an entry in; one of the same turn is replaced.
    pub fn insert(&mut self, entry: OutboxEntry) {
        self.entries.insert(entry.turn_id.clone(), entry);
    }

    /// Changes an entry and returns its new form, to be stored; `None` when there is no such turn.
    pub fn update(&mut self, turn_id: &str, change: impl FnOnce(&mut OutboxEntry)) -> Option<&OutboxEntry> {
        let entry = self.entries.get_mut(turn_id)?;
        change(entry);
        Some(entry)
    }

    /// Takes an entry out.
    pub fn remove(&mut self, turn_id: &str) -> Option<OutboxEntry> {
        self.entries.remove(turn_id)
    }

    /// An entry by its turn.
    pub fn get(&self, turn_id: &str) -> Option<&OutboxEntry> {
        self.entries.get(turn_id)
    }

    /// All entries, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &OutboxEntry> {
        self.entries.values()
    }

    /// A conversation's entries, oldest first.
    pub fn of_conversation<'a, 'id>(
        &'a self,
        conversation_id: &'id str,
    ) -> impl Iterator<Item = &'a OutboxEntry> + use<'a, 'id> {
        self.iter()
            .filter(move |entry| entry.conversation_id == conversation_id)
    }

    /// The turns of the entries that are wanted, oldest first.
    pub(crate) fn turns(&self, wanted: &dyn Fn(&OutboxEntry) -> bool) -> Vec<String> {
        self.entries.keys_of(wanted)
    }

    /// The conversation's oldest queued entry, when it may go at `now`. Nothing overtakes: while one is being sent, or
    /// while the oldest has to wait, none may go. Failed ones wait for the person and hold up nobody.
    pub fn next_sendable(&self, conversation_id: &str, now: Millis) -> Option<&OutboxEntry> {
        let mut waiting = self
            .of_conversation(conversation_id)
            .filter(|entry| !entry.has_failed());
        let next = waiting.next()?;
        let sending = next.is_sending() || waiting.any(OutboxEntry::is_sending);
        (!sending && next.not_before.is_none_or(|at| at <= now)).then_some(next)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// A stored entry that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// A newer version wrote it: another tab in the middle of a deploy, or this one before a rollback. It stays where it
    /// is, neither sent nor moved nor removed, so that the newer version finds it again.
    OfNewerVersion,
    /// Nothing will read it.
    SetAside(SetAside),
}

/// A stored entry that nothing reads: the caller moves its text to `key`, where nothing tries to by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Where to move it.
    pub key: String,
    /// Why.
    pub reason: SetAsideReason,
}

/// Why nothing reads a stored entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetAsideReason {
    /// Written by an older version than any this one knows.
    OlderVersion,
    /// Not an entry, or not the one its key names.
    Corrupt,
}

impl fmt::Display for SetAside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.reason {
            SetAsideReason::OlderVersion => "was written by an older version",
            SetAsideReason::Corrupt => "cannot be read",
        };
        write!(f, "an unsent message {reason}; it is kept under {}", self.key)
    }
}

impl std::error::Error for SetAside {}

/// The storage key of a turn.
pub fn key_of(user_id: &str, turn_id: &str) -> String {
    [PREFIX, &json::digits(VERSION.into()), ":", user_id, ":", turn_id].concat()
}

/// Whether a storage key is an entry's, of any version, and not set aside.
pub fn is_key(key: &str) -> bool {
    key.starts_with(PREFIX) && !key.starts_with(SET_ASIDE)
}

/// Whether a storage key is an entry of this user's, set aside or not: what signing out clears.
pub fn belongs_to(key: &str, user_id: &str) -> bool {
    let rest = key.strip_prefix(SET_ASIDE).or_else(|| key.strip_prefix(PREFIX));
    rest.and_then(|rest| rest.split_once(':'))
        .is_some_and(|(_, rest)| before_colon(rest) == user_id)
}

fn before_colon(text: &str) -> &str {
    text.split_once(':').map_or(text, |(before, _)| before)
}

/// An entry's storage key and text.
pub fn encode(entry: &OutboxEntry) -> (String, String) {
    (key_of(&entry.user_id, &entry.turn_id), json::write(entry))
}

/// Reads a stored entry.
///
/// # Errors
/// [`Unreadable`] when another version wrote it, or when it is not the entry its key names. Never fatal.
pub fn decode(key: &str, text: &str) -> Result<OutboxEntry, Unreadable> {
    let rest = key.strip_prefix(PREFIX).unwrap_or(key);
    let value = json::parse(text);
    let written_by = [
        json::whole(before_colon(rest).as_bytes()),
        value.as_ref().and_then(Value::version),
    ];
    let versions = || written_by.into_iter().flatten();
    if versions().any(|version| version > VERSION.into()) {
        return Err(Unreadable::OfNewerVersion);
    }
    let reason = if versions().any(|version| version < VERSION.into()) {
        SetAsideReason::OlderVersion
    } else {
        match value.as_ref().and_then(json::from_value::<OutboxEntry>) {
            Some(entry) if key_of(&entry.user_id, &entry.turn_id) == key => return Ok(entry),
            _ => SetAsideReason::Corrupt,
        }
    };
    Err(Unreadable::SetAside(SetAside {
        key: [SET_ASIDE, rest].concat(),
        reason,
    }))
}
