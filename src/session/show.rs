//! What is seen: the account, a conversation, its messages.

use crate::Millis;
use crate::cost::to_usd;
use crate::message::{Message, MessageStatus, Role};
use crate::outbox::{OutboxEntry, OutboxState, Trigger};
use crate::usage::UsageSnapshot;

use super::{
    AccountSnapshot, AccountStatus, ChatMessage, ChatMessageStatus, ConversationHead, ConversationSnapshot,
    ConversationStatus, Draft, Session, UsageStats,
};

/// A settled message and how it is shown.
pub struct Row<'a> {
    /// Changes with the message.
    pub version: u64,
    message: &'a Message,
    status: ChatMessageStatus,
}

/// Two that are the same are of what looks the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision {
    /// Of all that is shown but the answer that grows.
    pub rest: u64,
    /// The version of that answer; 0 when there is none.
    pub answer: u64,
}

impl Row<'_> {
    /// The message as it is shown.
    pub fn message(&self) -> ChatMessage {
        ChatMessage {
            id: self.message.id.clone(),
            turn_id: self.message.turn_id.clone(),
            conversation_id: self.message.conversation_id.clone(),
            seq: Some(self.message.seq),
            role: self.message.role,
            content: self.message.content.clone(),
            status: self.status,
            created_at: self.message.created_at,
            cost_micro_usd: self.message.cost_micro_usd,
            refunded_micro_usd: None,
            error: None,
            version: self.version,
        }
    }
}

impl Session {
    /// Everything about the user that is not a conversation's content.
    pub fn account(&self, now: Millis) -> AccountSnapshot {
        let account = &self.account;
        let usage = self.usage(self.there(now));
        let known = account.usage.as_ref();
        let usage_stats = usage.as_ref().map(|usage| self.usage_stats(usage, now));
        let (quotas, license, organization) = match usage {
            Some(usage) => (Some(usage.quotas), Some(usage.license), Some(usage.organization)),
            None => (None, None, None),
        };
        AccountSnapshot {
            status: match (self.identity.signed_out, known, &account.error) {
                (true, _, _) => AccountStatus::SignedOut,
                (_, Some(_), _) => AccountStatus::Ready,
                (_, None, Some(_)) => AccountStatus::Error,
                (_, None, None) => AccountStatus::Loading,
            },
            error: account.error.clone(),
            user_id: self.identity.user_id.clone(),
            quotas,
            license,
            organization: organization.filter(|_| known.is_some()),
            usage_stats,
            tiers: account.tiers.clone(),
            agents: account.agents.clone(),
            is_stale: self.is_account_stale(now),
            is_fallback: known.is_none(),
            is_online: self.is_online,
            storage: self.storage,
            unsent_count: self.unsent_count(),
            conversations: account.conversations.clone(),
            is_loading_conversations: account.listing.is_some() && !account.conversations_loaded,
            has_next_conversations: account.has_more_conversations,
            is_fetching_next_conversations: account.listing_more.is_some(),
        }
    }

    fn usage_stats(&self, usage: &UsageSnapshot, now: Millis) -> UsageStats {
        let usage = self.with_holds(usage);
        let quotas = &usage.quotas;
        let (day, hour, cost) = (
            usage.messages_today,
            usage.messages_this_hour,
            usage.cost_today_micro_usd,
        );
        let hour_left = quotas.max_messages_per_hour.saturating_sub(hour.total());
        let there = self.there(now);
        let levels = self.day_limits(&usage, now).map(|limit| limit.level);
        UsageStats {
            messages_today: day.total(),
            messages_held: day.held,
            messages_remaining: quotas.max_messages_per_day.saturating_sub(day.total()),
            messages_this_hour: hour.total(),
            messages_remaining_this_hour: hour_left,
            cost_today: to_usd(cost.total()),
            cost_today_micro_usd: cost.total(),
            cost_held_micro_usd: cost.held,
            cost_limit_micro_usd: quotas.max_cost_per_day_micro_usd,
            alert_level: levels.into_iter().max().unwrap_or_default(),
            day_resets_at: self.here(usage.day_resets_at),
            hour_frees_at: usage
                .hour_frees_at
                .iter()
                .copied()
                .find(|at| hour_left == 0 && *at > there)
                .map(|at| self.here(at)),
        }
    }

    /// A conversation without its messages.
    pub fn conversation_head(&self, id: &str, now: Millis) -> ConversationHead {
        let talk = self.talks.get(id);
        let live = talk.and_then(|talk| talk.live.as_ref());
        let thread = self.threads.peek(id);
        let is_fetching = talk.is_some_and(|talk| talk.latest.is_some());
        let error = talk.and_then(|talk| talk.error.clone());
        let is_loaded = self.is_minted(id) || thread.is_some();
        // Opened before it is known who is signed in: it will be read.
        let awaits_sign_in = self.identity.user_id.is_none() && !self.identity.signed_out;
        ConversationHead {
            conversation_id: id.to_owned(),
            conversation: self.conversation_of(id).cloned(),
            status: match (live, &error) {
                (Some(live), _) if !live.answer.is_empty() => ConversationStatus::Streaming,
                (Some(_), _) => ConversationStatus::Submitted,
                (None, Some(_)) => ConversationStatus::Error,
                (None, None) => ConversationStatus::Ready,
            },
            queue_position: live.and_then(|live| live.position),
            error,
            is_loading: !is_loaded && (is_fetching || awaits_sign_in),
            is_fetching,
            is_stale: thread.is_some() && !self.threads.is_fresh(id, now),
            has_next_page: thread.is_some_and(|thread| thread.pages.has_next()),
            is_fetching_next_page: talk.is_some_and(|talk| talk.older.is_some()),
            verdict: self.check(
                &Draft {
                    conversation_id: id.to_owned(),
                    ..Draft::default()
                },
                now,
            ),
        }
    }

    /// What tells whether a conversation is shown as it was; `None` when that is not kept count of.
    pub fn revision(&self, id: &str) -> Option<Revision> {
        let talk = self.talks.get(id)?;
        Some(Revision {
            rest: talk.revision,
            answer: talk.live.as_ref().map_or(0, |live| live.version),
        })
    }

    /// What there is of the answer under way.
    pub fn answer(&self, id: &str) -> Option<&str> {
        let live = self.talks.get(id)?.live.as_ref()?;
        Some(&live.answer)
    }

    /// Whether anything of a conversation is held here.
    pub fn holds_some_of(&self, id: &str) -> bool {
        self.talks.contains_key(id) || self.threads.peek(id).is_some()
    }

    /// The messages the server has, oldest first, without what the live turn is about to replace.
    pub fn settled(&self, id: &str) -> Vec<Row<'_>> {
        let Some(thread) = self.threads.peek(id) else {
            return Vec::new();
        };
        let live = self.talks.get(id).and_then(|talk| talk.live.as_ref());
        let replaced = live
            .filter(|live| live.trigger == Trigger::RegenerateMessage)
            .and_then(|_| {
                thread
                    .pages
                    .messages()
                    .next_back()
                    .filter(|last| last.role == Role::Assistant)
                    .map(|last| last.id.as_str())
            });
        let is_live = |message: &Message| live.is_some_and(|live| live.turn_id == message.turn_id);
        let failed_here = |message: &Message| {
            let entry = self.outbox.get(&message.id);
            entry.is_some_and(|entry| entry.has_failed())
        };
        let rows = thread.pages.messages().filter(|message| {
            let comes_as_it_grows = message.role == Role::Assistant && is_live(message);
            !comes_as_it_grows && replaced != Some(message.id.as_str()) && !failed_here(message)
        });
        rows.map(|message| Row {
            version: thread.versions.get(&message.seq).copied().unwrap_or(0),
            message,
            status: match message.status {
                _ if message.role == Role::User && is_live(message) => ChatMessageStatus::Sent,
                MessageStatus::Complete => ChatMessageStatus::Complete,
                MessageStatus::Streaming => ChatMessageStatus::Streaming,
                MessageStatus::Stopped => ChatMessageStatus::Stopped,
                MessageStatus::Failed => ChatMessageStatus::Failed,
            },
        })
        .collect()
    }

    /// What is on its way: messages not yet on the server, failed ones, and the answer as it grows.
    pub fn moving(&self, id: &str) -> Vec<ChatMessage> {
        let live = self.talks.get(id).and_then(|talk| talk.live.as_ref());
        let pages = self.threads.peek(id).map(|thread| &thread.pages);
        let answer = live.filter(|live| !live.answer.is_empty()).map(|live| ChatMessage {
            id: live.answer_id.clone().unwrap_or_else(|| live.turn_id.clone()),
            turn_id: live.turn_id.clone(),
            conversation_id: id.to_owned(),
            seq: None,
            role: Role::Assistant,
            content: live.answer.clone(),
            status: ChatMessageStatus::Streaming,
            created_at: live.created_at,
            cost_micro_usd: None,
            refunded_micro_usd: None,
            error: None,
            version: live.version,
        });
        let mut moving = Vec::new();
        let mut answer = answer;
        // The question is settled already: its answer comes right behind it.
        if live.is_some_and(|live| pages.is_some_and(|pages| pages.get(&live.turn_id).is_some())) {
            moving.extend(answer.take());
        }
        for entry in self
            .outbox
            .of_conversation(id)
            .filter(|entry| entry.trigger == Trigger::SubmitMessage)
        {
            let failed = entry.has_failed();
            let settled = pages.is_some_and(|pages| pages.get(&entry.turn_id).is_some());
            if failed || (entry.is_sending() && !settled) {
                moving.push(self.row(entry));
            }
            if live.is_some_and(|live| live.turn_id == entry.turn_id) {
                moving.extend(answer.take());
            }
        }
        moving.extend(answer);
        moving
    }

    /// Messages waiting for the answer before them, or for a limit to lift.
    pub fn queue(&self, id: &str) -> Vec<ChatMessage> {
        let queued = self
            .outbox
            .of_conversation(id)
            .filter(|entry| entry.trigger == Trigger::SubmitMessage && entry.is_queued());
        // One that was under way when the session ended may be settled.
        let pages = self.threads.peek(id).map(|thread| &thread.pages);
        let settled = |entry: &&OutboxEntry| pages.is_some_and(|pages| pages.get(&entry.turn_id).is_some());
        let queued = queued.filter(|entry| !settled(entry));
        queued.map(|entry| self.row(entry)).collect()
    }

    /// A conversation as it is shown.
    pub fn conversation(&self, id: &str, now: Millis) -> ConversationSnapshot {
        let settled = self.settled(id);
        ConversationSnapshot {
            head: self.conversation_head(id, now),
            messages: settled.iter().map(Row::message).chain(self.moving(id)).collect(),
            queue: self.queue(id),
        }
    }

    fn row(&self, entry: &OutboxEntry) -> ChatMessage {
        let live = self
            .talks
            .get(&entry.conversation_id)
            .and_then(|talk| talk.live.as_ref());
        let accepted = live.is_some_and(|live| live.turn_id == entry.turn_id && live.accepted);
        let (status, error) = match &entry.state {
            OutboxState::Sending if accepted => (ChatMessageStatus::Sent, None),
            OutboxState::Queued | OutboxState::Sending if entry.stop_wanted => (ChatMessageStatus::Stopping, None),
            OutboxState::Queued => (ChatMessageStatus::Queued, None),
            OutboxState::Sending => (ChatMessageStatus::Sending, None),
            OutboxState::Failed(error) => (ChatMessageStatus::Failed, Some(error.clone())),
        };
        ChatMessage {
            id: entry.turn_id.clone(),
            turn_id: entry.turn_id.clone(),
            conversation_id: entry.conversation_id.clone(),
            seq: None,
            role: Role::User,
            content: entry.content.clone(),
            status,
            created_at: entry.created_at,
            cost_micro_usd: None,
            refunded_micro_usd: error.as_ref().and_then(|error| error.refunded_micro_usd),
            error,
            version: self.row_versions.get(&entry.turn_id).copied().unwrap_or(0),
        }
    }
}
