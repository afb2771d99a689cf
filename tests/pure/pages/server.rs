//! A model of the server, as pages see it.

use production_chat::Millis;
use production_chat::message::{Conversation, Message, MessagePage, MessageStatus, Role};

/// A conversation on the server: at most one turn is live.
#[derive(Clone, Default)]
pub struct Server {
    pub messages: Vec<Message>,
    pub now: Millis,
    pub last_seq: u64,
    pub live: Option<Live>,
}

#[derive(Clone)]
pub struct Live {
    pub turn: String,
    pub replaced: Option<Message>,
}

impl Server {
    fn message(&mut self, id: String, turn: &str, role: Role, status: MessageStatus) -> Message {
        self.last_seq += 1;
        let (seq, created_at) = (self.last_seq, self.now);
        let (turn_id, conversation_id) = (turn.to_owned(), "c".to_owned());
        Message {
            id,
            turn_id,
            conversation_id,
            seq,
            role,
            content: String::new(),
            status,
            created_at,
            cost_micro_usd: None,
        }
    }

    pub fn reserve(&mut self, id: u64) -> Vec<Message> {
        let turn = format!("turn-{id}");
        if self.live.is_some() || self.messages.iter().any(|message| message.id == turn) {
            return Vec::new();
        }
        self.now += 1;
        let user = self.message(turn.clone(), &turn, Role::User, MessageStatus::Complete);
        let answer = self.message(
            format!("answer-{}", self.last_seq),
            &turn,
            Role::Assistant,
            MessageStatus::Streaming,
        );
        self.messages.extend([user.clone(), answer.clone()]);
        self.live = Some(Live { turn, replaced: None });
        vec![user, answer]
    }

    /// The answer that begins, and the place of the one it replaces.
    pub fn regenerate(&mut self) -> Option<(Message, u64)> {
        if self.live.is_some() || self.messages.last()?.role == Role::User {
            return None;
        }
        self.now += 1;
        let replaced = self.messages.pop()?;
        let turn = format!("again-{}", self.last_seq);
        let id = format!("answer-{}", self.last_seq);
        let answer = self.message(id, &turn, Role::Assistant, MessageStatus::Streaming);
        self.messages.push(answer.clone());
        let replaces_seq = replaced.seq;
        self.live = Some(Live {
            turn,
            replaced: Some(replaced),
        });
        Some((answer, replaces_seq))
    }

    pub fn stream(&mut self) {
        if self.live.is_some() {
            self.messages.last_mut().unwrap().content += "more ";
        }
    }

    pub fn settle(&mut self) -> Option<Message> {
        self.live.take()?;
        self.now += 1;
        let answer = self.messages.last_mut()?;
        answer.status = MessageStatus::Complete;
        answer.cost_micro_usd = Some(5);
        Some(answer.clone())
    }

    /// The turn goes back: its messages leave, and the answer it would have replaced is there again.
    pub fn release(&mut self) -> Vec<Message> {
        let Some(live) = self.live.take() else {
            return Vec::new();
        };
        self.now += 1;
        let (gone, kept) = std::mem::take(&mut self.messages)
            .into_iter()
            .partition(|m: &Message| m.turn_id == live.turn);
        self.messages = kept;
        self.messages.extend(live.replaced);
        gone
    }

    pub fn page(&self, before: Option<u64>, size: usize) -> MessagePage {
        let older = self
            .messages
            .iter()
            .rev()
            .filter(|message| before.is_none_or(|before| message.seq < before));
        let messages: Vec<Message> = older.clone().take(size).cloned().collect();
        let conversation = Conversation {
            id: "c".to_owned(),
            title: String::new(),
            agent: "executive".to_owned(),
            message_count: self.messages.len() as u64,
            created_at: 0,
            updated_at: self.now,
        };
        let live_turn_id = self.live.as_ref().map(|live| live.turn.clone());
        MessagePage {
            conversation,
            has_more: older.count() > messages.len(),
            messages,
            live_turn_id,
        }
    }

    pub fn with_turns(count: u64) -> Server {
        let mut server = Server::default();
        for id in 0..count {
            server.reserve(id);
            server.settle();
        }
        server
    }
}
