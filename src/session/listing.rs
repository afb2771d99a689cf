//! The conversation list, and changes to it.

use crate::message::Conversation;
use crate::outbox::{OutboxEntry, OutboxState};
use crate::problem::{ChatErrorCode, ChatErrorDetail};

use super::account::place_of;
use super::requests::Purpose;
use super::stopping::DECIDED_WITHIN;
use super::wire::ConversationPage;
use super::{Moment, Session, Talk};

/// Reply of `delete_conversation`: false when it was gone already.
#[derive(serde::Deserialize)]
pub(super) struct Deleted {
    pub(super) deleted: bool,
}

impl Session {
    /// Makes up a conversation. The server hears of it with its first message.
    pub fn new_conversation(&mut self, agent: Option<String>, at: &mut Moment) -> String {
        let id = self.new_id(at);
        self.talks.insert(
            id.clone(),
            Talk {
                minted: true,
                born_here: true,
                agent,
                ..Talk::default()
            },
        );
        id
    }

    /// Reads the next page of the conversation list.
    pub fn fetch_next_conversations(&mut self, at: &mut Moment) {
        if !self.disposed && self.account.has_more_conversations && self.account.listing_more.is_none() {
            self.account.listing_more = Some(self.issue(Purpose::Conversations { more: true }, 0, at));
            self.changed_account = true;
        }
    }

    /// Renames a conversation: here at once, taken back when the server refuses.
    pub fn rename_conversation(&mut self, id: &str, title: &str, at: &mut Moment) {
        let Some(before) = self.conversation_of(id).filter(|_| !self.disposed).cloned() else {
            return;
        };
        let renamed = Conversation {
            title: title.to_owned(),
            ..before.clone()
        };
        self.set_conversation(renamed);
        self.account.error = None;
        self.issue(
            Purpose::Rename {
                id: id.to_owned(),
                title: title.to_owned(),
                before: before.title,
            },
            0,
            at,
        );
    }

    /// Deletes a conversation: here at once, taken back when the server refuses. What it cost stays counted.
    pub fn delete_conversation(&mut self, id: &str, at: &mut Moment) {
        if self.disposed {
            return;
        }
        let may_be_there = self.outbox.of_conversation(id).any(|entry| entry.went);
        if self.is_minted(id) && !may_be_there {
            self.changed_account = true;
            self.forget_conversation(id);
            return;
        }
        let before = self.conversation_of(id).cloned();
        self.talks.update(id, |talk| talk.deleted = true);
        self.change_all();
        // What would make it goes no more, unless the server refuses.
        if self.is_minted(id)
            && let Some(live) = self.end_live(id)
        {
            self.set_state(&live.turn_id, OutboxState::Queued);
        }
        self.account.conversations.retain(|held| held.id != id);
        self.account.error = None;
        self.issue(
            Purpose::Delete {
                id: id.to_owned(),
                before,
                is_last: false,
            },
            0,
            at,
        );
    }

    pub(super) fn fetch_conversations(&mut self, at: &mut Moment) {
        if self.account.listing.is_none() {
            self.account.listing = Some(self.issue(Purpose::Conversations { more: false }, 0, at));
            self.changed_account = true;
        }
    }

    pub(super) fn conversations_read(&mut self, more: bool, page: ConversationPage, at: &mut Moment) {
        // What is open may have another title or count now.
        self.change_all();
        let reading = if more {
            &mut self.account.listing_more
        } else {
            &mut self.account.listing
        };
        *reading = None;
        if more {
            self.account.has_more_conversations = page.has_more;
        } else {
            // The first page is all there is down to its last entry; what is held below it stays, if it adjoins.
            let held = &mut self.account.conversations;
            let last = page.conversations.last().filter(|_| page.has_more).map(place_of);
            let adjoins = held.iter().any(|held| Some(place_of(held)) == last);
            held.retain(|held| adjoins && Some(place_of(held)) < last);
            if self.account.conversations.is_empty() {
                self.account.has_more_conversations = page.has_more;
            }
            self.account.conversations_loaded = true;
        }
        for conversation in page.conversations {
            if self.found_on_server(&conversation.id) {
                // Taken for new because an unsent message said so; it is not, and there may be more in it.
                self.refetch(&conversation.id, at);
            }
            if self.not_deleted_here(&conversation.id).is_ok() {
                self.account.upsert(conversation);
            }
        }
    }

    pub(super) fn conversations_unread(&mut self, more: bool, error: ChatErrorDetail) {
        let reading = if more {
            &mut self.account.listing_more
        } else {
            &mut self.account.listing
        };
        *reading = None;
        self.account.error = Some(error);
        self.changed_account = true;
    }

    pub(super) fn renamed(&mut self, conversation: Conversation) {
        self.tell_list();
        self.set_conversation(conversation);
    }

    pub(super) fn not_renamed(&mut self, id: &str, before: String, error: ChatErrorDetail) {
        if let Some(conversation) = self.conversation_of(id).cloned() {
            self.set_conversation(Conversation {
                title: before,
                ..conversation
            });
        }
        self.account.error = Some(error);
    }

    /// The server has deleted it, or did not have it: then its first message may still be on its way and would make it, so
    /// the server is asked once more.
    pub(super) fn delete_answered(&mut self, purpose: &Purpose, was_there: bool, at: &mut Moment) {
        let Purpose::Delete { id, before, is_last } = purpose else {
            return;
        };
        if was_there || *is_last || !self.is_minted(id) {
            return self.deleted(id, at);
        }
        let again = Purpose::Delete {
            id: id.clone(),
            before: before.clone(),
            is_last: true,
        };
        self.issue(again, DECIDED_WITHIN, at);
    }

    pub(super) fn deleted(&mut self, id: &str, at: &mut Moment) {
        self.forget_conversation(id);
        self.tell_list();
        self.fetch_account(at);
    }

    pub(super) fn not_deleted(&mut self, id: &str, before: Option<Conversation>, error: ChatErrorDetail) {
        if let Some(talk) = self.talks.get_mut(id) {
            talk.deleted = false;
        }
        if let Some(conversation) = before {
            self.account.upsert(conversation);
        }
        self.account.error = Some(error);
        self.change_all();
    }

    /// Nothing more is sent to what is being deleted, or was.
    pub(super) fn not_deleted_here(&self, id: &str) -> Result<(), ChatErrorDetail> {
        match self.talks.get(id) {
            Some(talk) if talk.deleted => Err(deleted_error()),
            _ => Ok(()),
        }
    }

    /// What is known of a conversation: with its messages, else from the list.
    pub(super) fn conversation_of(&self, id: &str) -> Option<&Conversation> {
        let read = self.threads.peek(id).and_then(|thread| thread.conversation.as_ref());
        read.or_else(|| {
            self.account
                .conversations
                .iter()
                .find(|conversation| conversation.id == id)
        })
    }

    /// The newer state of a conversation, wherever it is shown.
    pub(super) fn set_conversation(&mut self, conversation: Conversation) {
        self.found_on_server(&conversation.id);
        let known = self.conversation_of(&conversation.id);
        if known.is_some_and(|known| known.updated_at > conversation.updated_at) {
            return;
        }
        self.change(&conversation.id);
        self.changed_account = true;
        self.threads.mutate(&conversation.id, |thread| {
            thread.conversation = Some(conversation.clone())
        });
        if !self.account.is_beyond_list(&conversation) {
            self.account.upsert(conversation);
        }
    }

    /// The server has the conversation: nothing sent to it begins it any more. Returns whether that is news.
    fn found_on_server(&mut self, id: &str) -> bool {
        let Some(talk) = self.talks.get_mut(id).filter(|talk| talk.minted) else {
            return false;
        };
        talk.minted = false;
        let begins = |entry: &OutboxEntry| entry.conversation_id == id && entry.new_conversation;
        for turn_id in self.outbox.turns(&begins) {
            self.outbox.update(&turn_id, |entry| entry.new_conversation = false);
            self.store(&turn_id);
        }
        self.change(id);
        true
    }

    pub(super) fn is_minted(&self, id: &str) -> bool {
        self.talks.get(id).is_some_and(|talk| talk.minted)
    }

    fn forget_conversation(&mut self, id: &str) {
        let is_in_it = |entry: &OutboxEntry| entry.conversation_id == id && !came_too_late(entry);
        for turn_id in self.outbox.turns(&is_in_it) {
            self.drop_entry(&turn_id);
            self.drop_hold(&turn_id);
        }
        self.end_live(id);
        self.threads.remove(id);
        let reading = self.talks.get(id).map(|talk| [talk.latest, talk.older]);
        for request in reading.into_iter().flatten().flatten() {
            self.give_up(request);
        }
        if let Some(talk) = self.talks.get_mut(id) {
            *talk = Talk {
                deleted: true,
                looks: talk.looks,
                ..Talk::default()
            };
            talk.error = Some(deleted_error());
        }
        self.change(id);
    }
}

/// Typed elsewhere into what was being deleted here.
fn came_too_late(entry: &OutboxEntry) -> bool {
    matches!(&entry.state, OutboxState::Failed(error) if error.code == ChatErrorCode::NotFound)
}

fn deleted_error() -> ChatErrorDetail {
    ChatErrorDetail::new(ChatErrorCode::NotFound, "This conversation was deleted.")
}
