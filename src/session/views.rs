//! What a user interface sees, and what it says: the shapes shared with TypeScript.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::cost::AlertLevel;
use crate::license::{License, Quotas, Tier};
use crate::message::{Conversation, Role};
use crate::problem::ChatErrorDetail;
use crate::quota::Verdict;
use crate::usage::Organization;

use super::wire::Agent;

/// How a client is set up.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct ClientOptions {
    /// The project's address, as in `createClient(supabaseUrl, …)`.
    pub supabase_url: String,
    /// The project's publishable (anon) key.
    pub supabase_key: String,
    /// Where the edge functions are. Default: `supabaseUrl + '/functions/v1'`.
    #[serde(default)]
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string | null"))]
    pub functions_url: Option<String>,
    /// The organization whose quota is used. Default: the user's personal one.
    #[serde(default)]
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string | null"))]
    pub organization_id: Option<String>,
    /// `false`: the browser refuses nothing, the server decides alone. Default: `true`.
    #[serde(default)]
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean | null"))]
    pub enforce_limits: Option<bool>,
    /// The tier assumed before the server has answered. Default: none, the server decides.
    #[serde(default)]
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "Tier | null"))]
    pub default_tier: Option<Tier>,
    /// The price assumed before the server has answered, in USD per 1,000 tokens.
    #[serde(default, rename = "costPer1kTokens")]
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "number | null"))]
    pub cost_per_1k_tokens: Option<f64>,
    /// The agent written to when a draft names none. Default: `'executive'`.
    #[serde(default)]
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string | null"))]
    pub agent: Option<String>,
}

/// A message about to be sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    /// The conversation it belongs to.
    pub conversation_id: String,
    /// At most 16,000 UTF-8 bytes.
    pub text: String,
    /// Default: the client's.
    #[serde(default)]
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string | null"))]
    pub agent: Option<String>,
    /// How many attachments the app has uploaded for it. Default: 0.
    #[serde(default)]
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "number | null"))]
    pub files: Option<u32>,
    /// When a limit in time denies it: wait in the outbox until it lifts, instead of throwing. Default: `false`.
    #[serde(default)]
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean | null"))]
    pub queue: Option<bool>,
}

/// Where the account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "kebab-case")]
pub enum AccountStatus {
    /// The server has not answered yet.
    Loading,
    /// It has.
    Ready,
    /// It could not be asked: see `error`.
    Error,
    /// Nobody is signed in.
    SignedOut,
}

/// Where unsent messages are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum StorageKind {
    /// They survive a reload.
    Persistent,
    /// They do not: storage is full, disabled or missing.
    Memory,
}

/// Everything about the signed-in user that is not a conversation's content.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify), tsify(missing_as_null))]
#[serde(rename_all = "camelCase")]
pub struct AccountSnapshot {
    /// Where the account stands.
    pub status: AccountStatus,
    /// Why it could not be read, or what could not be done to a conversation.
    pub error: Option<ChatErrorDetail>,
    /// The signed-in user.
    pub user_id: Option<String>,
    /// What the plan allows.
    pub quotas: Option<Quotas>,
    /// What is spent.
    pub usage_stats: Option<UsageStats>,
    /// The licence.
    pub license: Option<License>,
    /// The organization whose quota is used.
    pub organization: Option<Organization>,
    /// Every plan there is.
    pub tiers: Vec<Quotas>,
    /// Every agent there is.
    pub agents: Vec<Agent>,
    /// The figures are older than five minutes.
    pub is_stale: bool,
    /// The figures are assumed, the server has not answered yet.
    pub is_fallback: bool,
    /// There is a network.
    pub is_online: bool,
    /// Where unsent messages are kept.
    pub storage: StorageKind,
    /// Messages the server has not acknowledged.
    pub unsent_count: u32,
    /// Conversations, latest first.
    pub conversations: Vec<Conversation>,
    /// The first of them are on their way.
    pub is_loading_conversations: bool,
    /// There are more.
    pub has_next_conversations: bool,
    /// They are on their way.
    pub is_fetching_next_conversations: bool,
}

/// What is spent and what remains: the server's figures and what is in flight here.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify), tsify(missing_as_null))]
#[serde(rename_all = "camelCase")]
pub struct UsageStats {
    /// Messages of the day, those in flight included.
    pub messages_today: u64,
    /// Of these, in flight.
    pub messages_held: u64,
    /// How many more the day allows.
    pub messages_remaining: u64,
    /// Messages of the past hour, those in flight included.
    pub messages_this_hour: u64,
    /// How many more the hour allows.
    pub messages_remaining_this_hour: u64,
    /// The day's cost in USD, what is in flight included.
    pub cost_today: f64,
    /// The same in micro-USD.
    pub cost_today_micro_usd: u64,
    /// Of this, in flight, in micro-USD.
    pub cost_held_micro_usd: u64,
    /// What a day may cost, in micro-USD.
    pub cost_limit_micro_usd: u64,
    /// Of the day's cost and messages: `warn` from 80 %, `soft` when the next message may not fit, `hard` when spent.
    pub alert_level: AlertLevel,
    /// When the day's counters start again, by this machine's clock.
    pub day_resets_at: Millis,
    /// When the hour is spent: the instant at which it frees a place, by this machine's clock.
    pub hour_frees_at: Option<Millis>,
}

/// What a conversation is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum ConversationStatus {
    /// A message is on its way, nothing of the answer is here.
    Submitted,
    /// The answer is arriving.
    Streaming,
    /// A message may be written.
    Ready,
    /// Something failed: see `error`. A message may be written.
    Error,
}

/// A conversation without its messages.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify), tsify(missing_as_null))]
#[serde(rename_all = "camelCase")]
pub struct ConversationHead {
    /// Its id.
    pub conversation_id: String,
    /// What the server knows of it.
    pub conversation: Option<Conversation>,
    /// What it is doing.
    pub status: ConversationStatus,
    /// The provider is busy: the place in line of the turn under way, from 1. `None`: it does not wait.
    pub queue_position: Option<u64>,
    /// What failed last, until `clearError`.
    pub error: Option<ChatErrorDetail>,
    /// Its messages are being read for the first time.
    pub is_loading: bool,
    /// Something of it is being read.
    pub is_fetching: bool,
    /// What is shown is older than five minutes.
    pub is_stale: bool,
    /// There are older messages.
    pub has_next_page: bool,
    /// They are on their way.
    pub is_fetching_next_page: bool,
    /// May a message be sent at all? (Of an empty draft.)
    pub verdict: Verdict,
}

/// A conversation as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify), tsify(missing_as_null))]
#[serde(rename_all = "camelCase")]
pub struct ConversationSnapshot {
    /// All but the messages.
    #[serde(flatten)]
    pub head: ConversationHead,
    /// Oldest first: what the server has, then what is on its way.
    pub messages: Vec<ChatMessage>,
    /// Messages waiting for the answer before them, or for a limit to lift.
    pub queue: Vec<ChatMessage>,
}

/// Where a message stands. A user's is queued, sending, stopping, sent, complete or failed; an assistant's streaming, complete,
/// stopped or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum ChatMessageStatus {
    /// Waits for the answer before it, or for a limit to lift.
    Queued,
    /// On its way to the server.
    Sending,
    /// It is to be stopped, and it is being asked whether the server has it.
    Stopping,
    /// The server has it, the answer is being made.
    Sent,
    /// The answer is arriving.
    Streaming,
    /// Done.
    Complete,
    /// Stopped by the user: what had arrived is kept.
    Stopped,
    /// Failed: see `error`.
    Failed,
}

/// A message as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify), tsify(missing_as_null))]
#[serde(rename_all = "camelCase")]
pub struct ChatMessage {
    /// Of a user's message: its turn's id.
    pub id: String,
    /// The turn.
    pub turn_id: String,
    /// The conversation.
    pub conversation_id: String,
    /// Its place in the conversation, once the server has given it one.
    pub seq: Option<u64>,
    /// Who wrote it.
    pub role: Role,
    /// The text.
    pub content: String,
    /// Where it stands.
    pub status: ChatMessageStatus,
    /// When it was written.
    pub created_at: Millis,
    /// What the answer cost, in micro-USD.
    pub cost_micro_usd: Option<u64>,
    /// What came back when it failed, in micro-USD.
    pub refunded_micro_usd: Option<u64>,
    /// Why it failed.
    pub error: Option<ChatErrorDetail>,
    /// Changes with every change of this message; no two messages of a client share one.
    pub version: u64,
}
