//! Pages of messages: what is read, when, and once however many ask.

use crate::Millis;
use crate::cache::Weigh;
use crate::message::{Conversation, Message, MessagePage};
use crate::pages::Pages;
use crate::problem::ChatErrorDetail;
use crate::table::Table;

use super::requests::Purpose;
use super::{Moment, Session};

/// What the server has of a conversation, as far as it was read.
#[derive(Default)]
pub(super) struct Thread {
    pub(super) conversation: Option<Conversation>,
    pub(super) pages: Pages,
    /// The version of every message, by place.
    pub(super) versions: Table<u64, u64>,
}

impl Weigh for Thread {
    fn weigh(&self) -> usize {
        // A version and its message's place.
        self.pages.weigh() + self.versions.len() * 16
    }
}

impl Thread {
    /// Gives every message that differs from the one held a new version, counting on from `version`.
    fn note(&mut self, messages: &[Message], version: &mut u64) {
        for message in messages {
            if self.pages.get(&message.id) != Some(message) {
                *version += 1;
                self.versions.insert(message.seq, *version);
            }
        }
    }
}

impl Session {
    /// Somebody looks at a conversation: its latest page is read when absent, and again when older than five minutes.
    pub fn open(&mut self, id: &str, at: &mut Moment) {
        if self.disposed {
            return;
        }
        self.talks.update(id, |talk| talk.looks += 1);
        self.threads.pin(id);
        self.threads.get(id);
        self.refresh_if_old(id, at);
        // What nobody looked at got old, or was dropped, without a word.
        self.change(id);
        self.show_what_time_changed(at.now);
    }

    /// One who looked does no longer.
    pub fn close(&mut self, id: &str) {
        let Some(talk) = self.talks.get_mut(id).filter(|talk| talk.looks > 0) else {
            return;
        };
        talk.looks -= 1;
        self.threads.unpin(id);
        // With it leave those that were closed before something in them came to its end.
        let outbox = &self.outbox;
        let waits = |id: &str| outbox.of_conversation(id).next().is_some();
        self.talks.retain(|id, talk| talk.lasts() || waits(id));
    }

    /// Reads the latest page anew.
    pub fn refetch(&mut self, id: &str, at: &mut Moment) {
        if !self.disposed && !self.is_minted(id) {
            self.fetch_latest(id, at);
        }
    }

    /// Reads the next older page.
    pub fn fetch_next_page(&mut self, id: &str, at: &mut Moment) {
        let cursor = self.threads.peek(id).and_then(|thread| thread.pages.next_cursor());
        let reading = self.talks.get(id).is_some_and(|talk| talk.older.is_some());
        let Some(cursor) = cursor.filter(|_| !self.disposed && !reading) else {
            return;
        };
        let request = self.issue(
            Purpose::Older {
                conversation_id: id.to_owned(),
                cursor,
            },
            0,
            at,
        );
        self.talks.update(id, |talk| talk.older = Some(request));
        self.change(id);
    }

    /// After a pause (a hidden page, a sign-in): whatever is looked at and old is read anew.
    pub(super) fn look_again(&mut self, at: &mut Moment) {
        if self.identity.signed_out {
            return;
        }
        for id in self.talks.keys_of(&|talk| talk.looks > 0) {
            self.refresh_if_old(&id, at);
        }
        if self.is_account_stale(at.now) || self.account.is_untouched() {
            self.refetch_account(at);
        }
    }

    fn refresh_if_old(&mut self, id: &str, at: &mut Moment) {
        if !self.is_minted(id) && !self.threads.is_fresh(id, at.now) {
            self.fetch_latest(id, at);
        }
    }

    /// One request, however many ask.
    pub(super) fn fetch_latest(&mut self, id: &str, at: &mut Moment) {
        let reading = self.talks.get(id).is_some_and(|talk| talk.latest.is_some());
        if reading || self.identity.signed_out {
            return;
        }
        let request = self.issue(Purpose::Latest(id.to_owned()), 0, at);
        self.talks.update(id, |talk| talk.latest = Some(request));
        self.change(id);
    }

    /// `set_out`: it may have been under way for long, to a tab that was frozen.
    pub(super) fn latest_read(&mut self, id: &str, page: MessagePage, set_out: Millis, at: &mut Moment) {
        self.forget_what_arrived(id, &page);
        let live_turn_id = page.live_turn_id.clone();
        let conversation = page.conversation.clone();
        if self.threads.peek(id).is_none() {
            self.threads.insert(id, Thread::default(), at.now);
        }
        let version = &mut self.version;
        self.threads.mutate(id, |thread| {
            thread.note(&page.messages, version);
            thread.pages.merge_latest(page);
            thread.versions.retain(|seq, _| thread.pages.holds(*seq));
        });
        self.threads.refresh(id, set_out);
        if let Some(talk) = self.talks.get_mut(id) {
            talk.latest = None;
            if std::mem::take(&mut talk.error_is_of_reading) {
                talk.error = None;
            }
        }
        self.set_conversation(conversation);
        self.change(id);
        if let Some(turn_id) = live_turn_id {
            self.attend(id, &turn_id, 0, at);
        }
        self.pump(id, at);
    }

    pub(super) fn latest_unread(&mut self, id: &str, error: ChatErrorDetail) {
        if let Some(talk) = self.talks.get_mut(id) {
            talk.latest = None;
        }
        self.reading_failed(id, error);
    }

    /// Shown until the conversation is read.
    pub(super) fn reading_failed(&mut self, id: &str, error: ChatErrorDetail) {
        self.set_error(id, Some(error));
        if let Some(talk) = self.talks.get_mut(id) {
            talk.error_is_of_reading = true;
        }
    }

    pub(super) fn older_read(&mut self, id: &str, cursor: u64, page: MessagePage) {
        self.forget_what_arrived(id, &page);
        let version = &mut self.version;
        self.threads.mutate(id, |thread| {
            thread.note(&page.messages, version);
            thread.pages.merge_older(page, cursor);
        });
        if let Some(talk) = self.talks.get_mut(id) {
            talk.older = None;
        }
        self.change(id);
    }

    pub(super) fn older_unread(&mut self, id: &str, error: ChatErrorDetail) {
        if let Some(talk) = self.talks.get_mut(id) {
            talk.older = None;
        }
        self.reading_failed(id, error);
    }

    /// Puts a message the server has into its conversation, in place of the one at `replaces_seq`.
    pub(super) fn take_message(&mut self, message: Message, replaces_seq: Option<u64>, at: &Moment) {
        let id = message.conversation_id.clone();
        if self.threads.peek(&id).is_none() {
            // Not read yet: what is known is its end. The first page, once read, takes this in.
            self.threads.insert(id.as_str(), Thread::default(), at.now);
            if !self.talks.get(&id).is_some_and(|talk| talk.born_here) {
                self.threads.invalidate(&id);
            }
        }
        let version = &mut self.version;
        self.threads.mutate(&id, |thread| {
            thread.note(std::slice::from_ref(&message), version);
            match replaces_seq {
                Some(seq) => thread.pages.supersede(message, seq),
                None => thread.pages.upsert(message),
            }
        });
        self.change(&id);
    }

    /// A message of the server's changes its look though not its content.
    pub(super) fn touch_message(&mut self, conversation_id: &str, message_id: &str) {
        let version = self.next_version();
        self.threads.mutate(conversation_id, |thread| {
            if let Some(message) = thread.pages.get(message_id) {
                thread.versions.insert(message.seq, version);
            }
        });
        self.change(conversation_id);
    }

    /// What a page shows as ended needs no place in the outbox: its `done` got lost. A message that is held here because
    /// it was accepted once proves nothing: its turn may have been released since.
    fn forget_what_arrived(&mut self, id: &str, page: &MessagePage) {
        let here = self
            .talks
            .get(id)
            .and_then(|talk| talk.live.as_ref())
            .map(|live| live.turn_id.as_str());
        let live = page.live_turn_id.as_deref();
        let arrived = self.outbox.turns(&|entry| {
            let (turn_id, waits) = (Some(entry.turn_id.as_str()), !entry.is_sending());
            waits && turn_id != live && turn_id != here && page.messages.iter().any(|it| it.id == entry.turn_id)
        });
        for turn_id in arrived {
            self.acknowledge(&turn_id);
            self.drop_hold(&turn_id);
            self.set_error(id, None);
        }
    }
}
