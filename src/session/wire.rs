//! What the server says and is asked, as docs/protocol.md has it.

use serde::{Deserialize, Serialize};

use crate::cost::Price;
pub(super) use crate::json::{from_value, parse, read, write};
use crate::license::Quotas;
use crate::message::{Conversation, Message};
use crate::outbox::Trigger;
use crate::usage::UsageSnapshot;

/// Somebody to write to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// `'executive'`, `'research'`, `'writing'` or `'coding'`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is good at.
    pub description: String,
}

/// Reply of `quota_status`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QuotaStatus {
    pub(super) usage: UsageSnapshot,
    pub(super) tiers: Vec<Quotas>,
    pub(super) prices: Vec<Price>,
    pub(super) default_model: String,
    pub(super) agents: Vec<Agent>,
}

/// Reply of `list_conversations`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConversationPage {
    pub(super) conversations: Vec<Conversation>,
    pub(super) has_more: bool,
}

/// Body of `quota_status`.
#[derive(Serialize)]
pub(super) struct Organization<'a> {
    pub(super) p_org_id: Option<&'a str>,
}

/// Body of `list_conversations`.
#[derive(Serialize)]
pub(super) struct ListConversations<'a> {
    pub(super) p_before_updated_at: Option<u64>,
    pub(super) p_before_id: Option<&'a str>,
    pub(super) p_limit: u32,
    pub(super) p_org_id: Option<&'a str>,
}

/// Body of `get_messages_paginated`.
#[derive(Serialize)]
pub(super) struct GetMessages<'a> {
    pub(super) p_conversation_id: &'a str,
    pub(super) p_before: Option<u64>,
    pub(super) p_limit: u32,
    pub(super) p_org_id: Option<&'a str>,
}

/// Body of `rename_conversation`, and of `delete_conversation` without a title.
#[derive(Serialize)]
pub(super) struct ChangeConversation<'a> {
    pub(super) p_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) p_title: Option<&'a str>,
    pub(super) p_org_id: Option<&'a str>,
}

/// Body of `POST /chat`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChatRequest<'a> {
    pub(super) id: &'a str,
    pub(super) conversation_id: &'a str,
    pub(super) organization_id: Option<&'a str>,
    pub(super) new_conversation: bool,
    pub(super) agent: &'a str,
    pub(super) trigger: &'a str,
    pub(super) content: &'a str,
    pub(super) files: u64,
}

/// How far a turn has come on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TurnState {
    Held,
    Dispatched,
    Settled,
    Released,
    ExpiredCharged,
}

impl TurnState {
    /// Whether nothing more comes of it.
    pub(super) fn ended(self) -> bool {
        matches!(
            self,
            TurnState::Settled | TurnState::Released | TurnState::ExpiredCharged
        )
    }
}

/// What the client reads of a turn.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Turn {
    pub(super) id: String,
    pub(super) trigger: Trigger,
    pub(super) state: TurnState,
    pub(super) answer_id: String,
    /// The place of the answer it regenerates.
    pub(super) replaces_seq: Option<u64>,
}

/// Event `accepted`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Accepted {
    pub(super) turn: Turn,
    /// `None`: it was deleted meanwhile.
    pub(super) conversation: Option<Conversation>,
    pub(super) user_message: Option<Message>,
    pub(super) usage: UsageSnapshot,
}

/// Event `queued`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InLine {
    pub(super) turn_id: String,
    pub(super) position: u64,
}

/// Event `delta`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Delta {
    pub(super) turn_id: String,
    pub(super) offset: u64,
    pub(super) text: String,
}

/// Event `done`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Done {
    pub(super) turn: Turn,
    pub(super) message: Message,
    pub(super) usage: UsageSnapshot,
}

/// Reply of `POST /chat/turns/:id/stop`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stopped {
    pub(super) turn: Option<Turn>,
    pub(super) usage: Option<UsageSnapshot>,
}
