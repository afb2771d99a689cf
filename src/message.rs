//! Messages, conversations, and the pages in which they arrive.

use crate::Millis;
use crate::cost::MicroUsd;
use serde::{Deserialize, Serialize};

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub enum Role {
    /// The person.
    User,
    /// The agent.
    Assistant,
}

/// How far a message has come on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub enum MessageStatus {
    /// All of it is there.
    Complete,
    /// More is on its way.
    Streaming,
    /// The person stopped it; what had come is kept.
    Stopped,
    /// It did not come to an end.
    Failed,
}

/// A message as the server keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct Message {
    /// Of a user message: its turn's id.
    pub id: String,
    /// The turn it belongs to.
    pub turn_id: String,
    /// The conversation it belongs to.
    pub conversation_id: String,
    /// Its place in the conversation, from 1, with gaps. A place is never used twice.
    pub seq: u64,
    /// Who wrote it.
    pub role: Role,
    /// The text.
    pub content: String,
    /// How far it has come.
    pub status: MessageStatus,
    /// When it was made (server's clock).
    pub created_at: Millis,
    /// What its turn cost: answers of settled turns.
    pub cost_micro_usd: Option<MicroUsd>,
}

/// A conversation without its messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub struct Conversation {
    /// Its id.
    pub id: String,
    /// Its title, maybe empty.
    pub title: String,
    /// The agent it was begun with.
    pub agent: String,
    /// Messages in it, a live turn's included.
    pub message_count: u64,
    /// When it was made (server's clock).
    pub created_at: Millis,
    /// When something in it last changed (server's clock).
    pub updated_at: Millis,
}

/// A page of messages: the answer of `get_messages_paginated`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct MessagePage {
    /// The conversation when the page was read.
    pub conversation: Conversation,
    /// Newest first.
    pub messages: Vec<Message>,
    /// Whether older messages exist.
    pub has_more: bool,
    /// The turn that is under way in the conversation.
    pub live_turn_id: Option<String>,
}
