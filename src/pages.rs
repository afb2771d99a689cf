//! One conversation's loaded pages: sorted by place, without duplicates and without gaps.
//!
//! What is held covers, without a gap, everything from the oldest loaded page to the newest page's end, plus what was
//! put in since. Replies may be late or come in any order; a message never goes back to an earlier state.

use crate::cache::Weigh;
use crate::message::{Message, MessagePage, MessageStatus, Role};
use std::collections::{BTreeMap, BTreeSet};

/// Messages a page.
pub const PAGE_SIZE: u32 = 50;

/// The pages of one conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pages {
    messages: BTreeMap<u64, Message>,
    /// Places whose message is gone for good; a place is never used twice.
    gone: BTreeSet<u64>,
    /// Where the next older page ends; `None`: nothing older exists, or nothing is loaded.
    cursor: Option<u64>,
    /// The newest place a page has covered: what is put in above it may stand beyond a gap.
    covered_to: u64,
    loaded: bool,
}

impl Pages {
    /// Nothing is loaded.
    pub fn new() -> Pages {
        Pages::default()
    }

    /// Merges the newest page. Messages in its range that the server no longer has disappear. When it does not reach
    /// down to what is held, the older part is dropped and the cursor set anew, so that no gap opens.
    pub fn merge_latest(&mut self, page: MessagePage) {
        let as_of = page.conversation.updated_at;
        let lowest = page.messages.iter().map(|message| message.seq).min();
        let highest = page.messages.iter().map(|message| message.seq).max();
        // A page that says "more" and holds nothing would be asked for without end.
        let has_more = page.has_more && lowest.is_some();
        let from = if has_more { lowest.unwrap_or(0) } else { 0 };
        let connects = self.loaded && from <= self.covered_to;

        let on_page: BTreeSet<u64> = page.messages.iter().map(|message| message.seq).collect();
        self.messages.retain(|seq, message| {
            if *seq < from {
                connects
            } else {
                // What is newer than the page was put in while it was on its way.
                on_page.contains(seq) || message.created_at > as_of
            }
        });
        if !connects || !has_more {
            self.cursor = has_more.then_some(from);
        }
        self.covered_to = self.covered_to.max(highest.unwrap_or(0));
        self.loaded = true;
        for message in page.messages {
            self.upsert(message);
        }
    }

    /// Merges the page that ends before `cursor`. A reply to a cursor that is no longer the next one is ignored: what
    /// is held has moved since it was asked for. Returns whether it was merged.
    pub fn merge_older(&mut self, page: MessagePage, cursor: u64) -> bool {
        if self.cursor != Some(cursor) {
            return false;
        }
        let older = page.messages.into_iter().filter(|message| message.seq < cursor);
        let older: Vec<Message> = older.collect();
        let lowest = older.iter().map(|message| message.seq).min();
        self.cursor = lowest.filter(|_| page.has_more);
        for message in older {
            self.upsert(message);
        }
        true
    }

    /// Puts a message in, or the newer state of one that is held.
    pub fn upsert(&mut self, message: Message) {
        let seq = message.seq;
        if self.gone.contains(&seq) || self.cursor.is_some_and(|cursor| seq < cursor) {
            return;
        }
        // A turn tried again under its id has new places.
        let moved = self
            .messages
            .values()
            .find(|held| held.id == message.id && held.seq != seq)
            .map(|held| held.seq);
        if let Some(other) = moved {
            if other > seq {
                return;
            }
            self.forget(other);
        }
        match self.messages.get_mut(&seq) {
            Some(held) if progress(held) > progress(&message) => {}
            Some(held) => *held = message,
            None => {
                self.messages.insert(seq, message);
            }
        }
    }

    /// Takes a message out for good: late replies do not bring it back.
    pub fn remove(&mut self, id: &str) -> Option<Message> {
        let seq = self.messages.values().find(|message| message.id == id)?.seq;
        self.forget(seq)
    }

    /// Puts a regenerated answer in; the answer it replaces leaves for good.
    pub fn supersede(&mut self, answer: Message) {
        let before = self
            .messages
            .range(..answer.seq)
            .next_back()
            .map(|(seq, message)| (*seq, message.role));
        if let Some((seq, Role::Assistant)) = before {
            self.forget(seq);
        }
        self.upsert(answer);
    }

    /// What `p_before` of the next older page is; `None`: nothing older exists, or nothing is loaded.
    pub fn next_cursor(&self) -> Option<u64> {
        self.cursor
    }

    /// Whether an older page exists.
    pub fn has_next(&self) -> bool {
        self.cursor.is_some()
    }

    /// Whether the newest page has been merged.
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// Oldest first.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.values()
    }

    /// A message by id.
    pub fn get(&self, id: &str) -> Option<&Message> {
        self.messages.values().rev().find(|message| message.id == id)
    }

    /// Changes a message in place, such as appending to a streaming answer; false when it is not held.
    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut Message)) -> bool {
        let found = self.messages.values_mut().rev().find(|message| message.id == id);
        found.map(change).is_some()
    }

    /// How many messages are held.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    fn forget(&mut self, seq: u64) -> Option<Message> {
        self.gone.insert(seq);
        self.messages.remove(&seq)
    }
}

/// How far a message has come: ended beats streaming, and a longer stream a shorter one.
fn progress(message: &Message) -> (bool, usize) {
    match message.status {
        MessageStatus::Streaming => (false, message.content.len()),
        _ => (true, 0),
    }
}

impl Weigh for Pages {
    fn weigh(&self) -> usize {
        // Ids are 36 bytes each; the rest is the map's and the allocator's.
        const PER_MESSAGE: usize = size_of::<Message>() + 3 * 36 + 64;
        let content: usize = self.messages.values().map(|message| message.content.len()).sum();
        content + self.messages.len() * PER_MESSAGE + self.gone.len() * 32
    }
}
