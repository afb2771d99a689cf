//! One conversation's loaded pages: sorted by place, without duplicates and without gaps.
//!
//! What is held covers, without a gap, everything from the oldest loaded page to the newest page's end, plus what was
//! put in since. Replies may be late and come in any order: a page is as old as its conversation's `updatedAt`, which
//! grows with every message put in or taken out, so old news does not undo newer.

use crate::Millis;
use crate::cache::Weigh;
use crate::message::{Message, MessagePage, MessageStatus};
use crate::table::Table;

/// Messages a page.
pub const PAGE_SIZE: u32 = 50;

/// The pages of one conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pages {
    /// By place. Changed through `put` and `forget` alone, which keep the weight and `places`.
    messages: Table<u64, Message>,
    /// By id.
    places: Table<String, u64>,
    /// Places whose message is gone, and as of when we know; only newer news brings it back.
    gone: Table<u64, Millis>,
    /// Where the next older page ends; `None`: nothing older exists, or nothing is loaded.
    cursor: Option<u64>,
    /// The newest place a page has covered: what was put in above it may stand beyond a gap.
    covered_to: u64,
    /// The server's clock at the newest news.
    known_at: Millis,
    /// The same when the newest of the merged pages was read.
    paged_at: Millis,
    loaded: bool,
    content_bytes: usize,
}

impl Pages {
    /// Nothing is loaded.
    pub fn new() -> Pages {
        Pages::default()
    }

    /// Merges the newest page. Messages in its range that the server no longer has disappear. When it does not reach
    /// down to what is held, the older part is dropped and the cursor set anew, so that no gap opens. A page older than one
    /// that was merged says nothing: where both reach, the other knew better.
    pub fn merge_latest(&mut self, page: MessagePage) {
        let as_of = page.conversation.updated_at;
        if as_of < self.paged_at {
            return;
        }
        self.paged_at = as_of;
        let (mut lowest, mut highest) = (u64::MAX, 0);
        for message in &page.messages {
            lowest = lowest.min(message.seq);
            highest = highest.max(message.seq);
        }
        // A page that says "more" and holds nothing would be asked for without end.
        let from = Some(lowest).filter(|_| page.has_more && !page.messages.is_empty());
        let connects = self.loaded && from.is_none_or(|from| from <= self.covered_to);

        if !connects {
            self.drop_before(from.unwrap_or(0));
        }
        let missing = self.messages.keys_of(&|message| {
            // What is newer than the page was put in while the page was on its way. A live answer has no row at first.
            let is_newer = message.created_at > as_of;
            let is_live = page.live_turn_id.as_ref() == Some(&message.turn_id) && highest < message.seq;
            let is_on_page = || page.messages.iter().any(|it| it.seq == message.seq);
            message.seq >= from.unwrap_or(0) && !is_newer && !is_live && !is_on_page()
        });
        for seq in missing {
            self.forget(seq, as_of);
        }
        if !connects || from.is_none() {
            self.cursor = from;
        }
        self.covered_to = self.covered_to.max(highest);
        self.loaded = true;
        self.put_all(page.messages, as_of);
    }

    /// Merges the page that ends before `cursor`. A reply to a cursor that is no longer the next one is ignored: what
    /// is held has moved since it was asked for. Returns whether it was merged.
    pub fn merge_older(&mut self, page: MessagePage, cursor: u64) -> bool {
        if self.cursor != Some(cursor) {
            return false;
        }
        let mut older = page.messages;
        older.retain(|message| message.seq < cursor);
        let lowest = older.iter().map(|message| message.seq).min();
        self.cursor = lowest.filter(|_| page.has_more);
        // All of it stands before what is held, which moves once for the page and not for every message.
        let newer = std::mem::take(&mut self.messages);
        self.put_all(older, page.conversation.updated_at);
        self.messages.append(newer);
        true
    }

    /// Puts a message in, or the newer state of one that is held. A message that was taken out stays out, and one older
    /// than what is loaded waits for its page.
    pub fn upsert(&mut self, message: Message) {
        self.known_at = self.known_at.max(message.created_at);
        if !self.gone.contains_key(&message.seq) {
            self.put(message);
        }
    }

    /// Takes a message out: replies that were under way do not bring it back. A turn tried again keeps its id, so what a
    /// failed attempt leaves is taken out before the next one begins.
    pub fn remove(&mut self, id: &str) -> Option<Message> {
        let seq = self.get(id)?.seq;
        self.forget(seq, self.known_at)
    }

    /// Puts a regenerated answer in, in place of the one it replaces. A page as new as the answer still knows better: the
    /// turn may have been released.
    pub fn supersede(&mut self, answer: Message, replaces_seq: u64) {
        self.known_at = self.known_at.max(answer.created_at);
        if replaces_seq < answer.seq {
            self.forget(replaces_seq, answer.created_at.saturating_sub(1));
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
        self.messages.get(self.places.get(id)?)
    }

    /// Whether a message stands at a place.
    pub fn holds(&self, seq: u64) -> bool {
        self.messages.contains_key(&seq)
    }

    /// Changes a message in place, such as appending to a streaming answer; false when it is not held. Its place stays.
    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut Message)) -> bool {
        let Some(seq) = self.places.get(id).copied() else {
            return false;
        };
        let Some(message) = self.messages.get_mut(&seq) else {
            return false;
        };
        let before = message.content.len();
        change(message);
        message.seq = seq;
        id.clone_into(&mut message.id);
        self.content_bytes = self.content_bytes - before + message.content.len();
        true
    }

    /// How many messages are held.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// UTF-8 bytes of their texts.
    pub fn content_bytes(&self) -> usize {
        self.content_bytes
    }

    fn put_all(&mut self, messages: Vec<Message>, as_of: Millis) {
        self.known_at = self.known_at.max(as_of);
        for message in messages {
            match self.gone.get(&message.seq) {
                Some(gone_at) if *gone_at >= as_of => continue,
                Some(_) => drop(self.gone.remove(&message.seq)),
                None => {}
            }
            self.put(message);
        }
    }

    fn put(&mut self, message: Message) {
        let seq = message.seq;
        if self.cursor.is_some_and(|cursor| seq < cursor) {
            return;
        }
        let held = self.messages.get(&seq);
        if held.is_some_and(|held| progress(held) > progress(&message)) {
            return;
        }
        if held.is_none_or(|held| held.id != message.id) {
            // A turn tried again under its id has a new place; the greater one is the newer.
            match self.places.get(&message.id).copied() {
                Some(other) if other > seq => return,
                Some(other) => drop(self.forget(other, self.known_at)),
                None => {}
            }
            self.take_out(seq);
            self.places.insert(message.id.clone(), seq);
        }
        self.content_bytes += message.content.len();
        self.content_bytes -= self.messages.get(&seq).map_or(0, |old| old.content.len());
        self.messages.insert(seq, message);
    }

    fn forget(&mut self, seq: u64, as_of: Millis) -> Option<Message> {
        self.gone.insert(seq, as_of);
        self.take_out(seq)
    }

    fn take_out(&mut self, seq: u64) -> Option<Message> {
        let message = self.messages.remove(&seq)?;
        self.places.remove(&message.id);
        self.content_bytes -= message.content.len();
        Some(message)
    }

    /// Lets go of everything before a place, to be loaded again when somebody pages back.
    fn drop_before(&mut self, seq: u64) {
        self.messages.drop_before(&seq);
        self.places.retain(|_, held| *held >= seq);
        self.gone.drop_before(&seq);
        self.content_bytes = self.messages.values().map(|message| message.content.len()).sum();
    }
}

/// How far a message has come: ended beats streaming, settled beats ended, a longer stream beats a shorter one.
fn progress(message: &Message) -> (bool, bool, usize) {
    match message.status {
        MessageStatus::Streaming => (false, false, message.content.len()),
        _ => (true, message.cost_micro_usd.is_some(), 0),
    }
}

impl Weigh for Pages {
    fn weigh(&self) -> usize {
        // Beside its struct, a message has four ids of 36 bytes and its share of the maps.
        const PER_MESSAGE: usize = size_of::<Message>() + 4 * 36 + 100;
        const PER_GONE: usize = 32;
        self.content_bytes + self.messages.len() * PER_MESSAGE + self.gone.len() * PER_GONE
    }
}
