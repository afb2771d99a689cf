//! Keeping what was typed until the server has answered it: the outbox, in memory and in storage.

use crate::outbox::{self, OutboxEntry, OutboxState, Trigger, Unreadable};

use super::{Effect, Moment, Session, StorageKind};

impl Session {
    /// Takes over what storage held: what was under way goes again under its id, what nothing can read is set aside.
    pub(super) fn take_stored(&mut self, entries: Vec<(String, String)>, at: &mut Moment) {
        for (key, text) in entries {
            let entry = outbox::decode(&key, &text);
            if let Ok(entry) = &entry {
                // The outbox is in the order of ids, whoever is to send what is in it.
                self.uuids.follow(&entry.turn_id);
            }
            match entry {
                Ok(entry) if self.identity.user_id.as_ref() != Some(&entry.user_id) => {}
                // In another organization it would be another message.
                Ok(entry) if self.settings.organization_id != entry.organization_id => {}
                Ok(entry) if self.outbox.get(&entry.turn_id).is_some() => {}
                Ok(entry) if !self.is_ours(&entry.owner_tab) => self.await_end(entry.owner_tab),
                Ok(mut entry) => {
                    entry.owner_tab.clone_from(&self.tab);
                    if entry.is_sending() {
                        entry.state = OutboxState::Queued;
                    }
                    self.take_in(entry);
                }
                Err(Unreadable::OfNewerVersion) => {}
                Err(Unreadable::SetAside(aside)) => self.effects.push(Effect::SetAside {
                    from: key,
                    to: aside.key,
                    text,
                }),
            }
        }
        self.changed_account = true;
        self.pump_all(at);
    }

    /// Somebody else signs in. What storage did not take waits here, unseen, until its user is back.
    pub(super) fn set_unstored_aside(&mut self) {
        if self.storage == StorageKind::Memory {
            self.aside.extend(self.outbox.iter().cloned());
        }
    }

    pub(super) fn take_unstored_back(&mut self, user_id: &str) {
        for mut entry in std::mem::take(&mut self.aside) {
            if entry.user_id != user_id {
                self.aside.push(entry);
                continue;
            }
            if entry.is_sending() {
                entry.state = OutboxState::Queued;
            }
            self.take_in(entry);
        }
    }

    /// An entry kept elsewhere comes into the outbox.
    fn take_in(&mut self, mut entry: OutboxEntry) {
        if let Err(deleted) = self.not_deleted_here(&entry.conversation_id) {
            // Typed elsewhere by somebody who did not know: it is theirs to take back.
            entry.state = OutboxState::Failed(deleted);
        }
        let known = self.conversation_of(&entry.conversation_id).is_some();
        let minted = entry.new_conversation && !known;
        self.talks.update(&entry.conversation_id, |talk| talk.minted |= minted);
        self.change(&entry.conversation_id);
        self.version += 1;
        self.row_versions.insert(entry.turn_id.clone(), self.version);
        let turn_id = entry.turn_id.clone();
        self.outbox.insert(entry);
        self.store(&turn_id);
    }

    /// The server has answered the turn: it needs no place here any more.
    pub(super) fn acknowledge(&mut self, turn_id: &str) {
        if self.outbox.get(turn_id).is_some() {
            self.tell_gone(turn_id);
        }
        self.drop_entry(turn_id);
    }

    /// Another tab, which read the same outbox, has done with the turn. What is under way here ends by itself.
    pub(super) fn forget_turn(&mut self, turn_id: &str) {
        if self.outbox.get(turn_id).is_some_and(|entry| !entry.is_sending()) {
            self.drop_entry(turn_id);
            self.drop_hold(turn_id);
        }
    }

    pub(super) fn drop_entry(&mut self, turn_id: &str) {
        let Some(entry) = self.outbox.remove(turn_id) else {
            return;
        };
        self.row_versions.remove(turn_id);
        self.effects.push(Effect::Unstore {
            key: outbox::encode(&entry).0,
        });
        self.changed_account = true;
        self.change(&entry.conversation_id);
    }

    pub(super) fn set_state(&mut self, turn_id: &str, state: OutboxState) {
        let Some(entry) = self.outbox.update(turn_id, |entry| entry.state = state) else {
            return;
        };
        let conversation_id = entry.conversation_id.clone();
        self.version += 1;
        self.row_versions.insert(turn_id.to_owned(), self.version);
        self.changed_account = true;
        self.change(&conversation_id);
        self.store(turn_id);
    }

    /// It is to be stopped, and kept until it is known what that comes to.
    pub(super) fn keep_as_stopping(&mut self, turn_id: &str, state: OutboxState) {
        self.outbox
            .update(turn_id, |entry| (entry.stop_wanted, entry.not_before) = (true, None));
        self.set_state(turn_id, state);
    }

    /// It is on the wire: from now on the server may have it.
    pub(super) fn keep_as_gone(&mut self, turn_id: &str) {
        if self.outbox.get(turn_id).is_some_and(|entry| !entry.went) {
            self.outbox.update(turn_id, |entry| entry.went = true);
            self.store(turn_id);
        }
    }

    /// Stores an entry. When storage has failed before, whatever is only in memory goes with it, and storage counts as
    /// working until it is known to fail again.
    pub(super) fn store(&mut self, turn_id: &str) {
        let had_failed = self.storage == StorageKind::Memory;
        for entry in self.outbox.iter().chain(&self.aside) {
            // Nothing is stored for nobody: what is typed before the first token is stored when it is known whose it is.
            if !entry.user_id.is_empty() && (had_failed || entry.turn_id == turn_id) {
                let (key, text) = outbox::encode(entry);
                self.effects.push(Effect::Store { key, text });
                self.storage = StorageKind::Persistent;
            }
        }
        self.changed_account |= had_failed;
    }

    /// Messages the server has not acknowledged.
    pub(super) fn unsent_count(&self) -> u32 {
        let unsent = self.outbox.iter().filter(|entry| !self.is_accepted(entry));
        u32::try_from(unsent.count()).unwrap_or(u32::MAX)
    }

    /// Messages on their way to a conversation that its server-side count does not contain.
    pub(super) fn unheard_of(&self, conversation_id: &str) -> u64 {
        let sent = self.outbox.of_conversation(conversation_id).filter(|entry| {
            let going = !entry.has_failed();
            going && entry.trigger == Trigger::SubmitMessage && !self.is_accepted(entry)
        });
        sent.count() as u64
    }

    fn is_accepted(&self, entry: &OutboxEntry) -> bool {
        let live = self
            .talks
            .get(&entry.conversation_id)
            .and_then(|talk| talk.live.as_ref());
        live.is_some_and(|live| live.accepted && live.turn_id == entry.turn_id)
    }
}
