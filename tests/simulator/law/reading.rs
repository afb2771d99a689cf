//! What can be asked, and how conversations are kept.

use super::*;

impl Law {
    /// Whether a turn is there and has not been released.
    pub fn has(&self, id: &str) -> bool {
        self.turns.get(id).is_some_and(|turn| turn.state != State::Released)
    }

    /// Whether the turn may be read: its conversation is still there.
    pub fn may_read(&mut self, user: &str, id: &str) -> bool {
        let Some(turn) = self.turns.get(id).filter(|turn| turn.user == user) else {
            return false;
        };
        let conversation = turn.conversation.clone();
        self.expire_if_silent(id);
        self.room(user, &conversation).is_some()
    }

    pub fn live_in(&self, conversation: &str) -> Option<String> {
        let mut live = self
            .turns
            .values()
            .filter(|turn| turn.conversation == conversation && turn.state.is_live());
        let first = live.next().map(|turn| turn.id.clone());
        assert!(live.next().is_none(), "two live turns in one conversation");
        first
    }

    pub fn page(&self, user: &str, id: &str, before: Option<u64>, limit: usize) -> Option<MessagePage> {
        let room = self.room(user, id)?;
        let mut messages: Vec<Message> = shown(room)
            .filter(|message| before.is_none_or(|before| message.seq < before))
            .cloned()
            .collect();
        messages.reverse();
        let has_more = messages.len() > limit;
        messages.truncate(limit);
        Some(MessagePage {
            conversation: room.conversation.clone(),
            messages,
            has_more,
            live_turn_id: self.live_in(id),
        })
    }

    /// Latest first.
    pub fn list(&self, user: &str, before: Option<(u64, String)>, limit: usize) -> (Vec<Conversation>, bool) {
        let mut found: Vec<Conversation> = self
            .rooms
            .values()
            .filter(|room| room.user == user && !room.deleted)
            .map(|room| room.conversation.clone())
            .collect();
        found.sort_by_key(|it| std::cmp::Reverse((it.updated_at, it.id.clone())));
        if let Some(before) = before {
            found.retain(|it| (it.updated_at, it.id.clone()) < before);
        }
        let has_more = found.len() > limit;
        found.truncate(limit);
        (found, has_more)
    }

    pub fn rename(&mut self, user: &str, id: &str, title: &str) -> Option<Conversation> {
        self.room(user, id)?;
        let room = self.rooms.get_mut(id)?;
        room.conversation.title = title.to_owned();
        Some(room.conversation.clone())
    }

    pub fn delete(&mut self, user: &str, id: &str) -> bool {
        if self.room(user, id).is_none() {
            return false;
        }
        if let Some(room) = self.rooms.get_mut(id) {
            room.deleted = true;
        }
        if let Some(book) = self.books.get_mut(user) {
            book.conversations -= 1;
        }
        self.bump(user);
        true
    }

    pub fn turn_json(&self, id: &str) -> Value {
        let turn = &self.turns[id];
        json!({
            "id": turn.id, "organizationId": turn.user, "conversationId": turn.conversation, "agent": "executive",
            "model": "gpt", "trigger": if turn.submits { "submit-message" } else { "regenerate-message" },
            "state": turn.state.name(), "answerId": turn.answer_id, "userSeq": turn.user_seq,
            "answerSeq": turn.answer_seq, "replacesSeq": turn.replaces.as_ref().map(|(_, seq)| seq), "streaming": turn.streaming, "maxOutputTokens": 300,
            "holdMicroUsd": turn.hold, "costMicroUsd": turn.cost, "promptTokens": null, "completionTokens": null,
            "stopRequested": turn.stop_requested, "createdAt": turn.created_at
        })
    }

    pub fn stored(&self, conversation: &str, id: &str) -> Option<&Message> {
        let rows = &self.rooms.get(conversation)?.rows;
        rows.iter().map(|row| &row.message).find(|message| message.id == id)
    }

    pub fn status(&self, user: &str) -> Value {
        json!({
            "usage": self.usage(user), "tiers": self.tiers, "prices": [self.price], "defaultModel": "gpt",
            "agents": [{ "id": "executive", "name": "Executive", "description": "" },
                { "id": "coding", "name": "Coding", "description": "" }]
        })
    }
}
