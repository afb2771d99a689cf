//! What is spent, what the plan allows, and whether a draft may be sent.

use crate::Millis;
use crate::cache::FRESH_FOR;
use crate::cost::{Calibration, Estimate, Price, estimate};
use crate::license::Quotas;
use crate::message::Conversation;
use crate::problem::ChatErrorDetail;
use crate::quota::{Basis, QuotaRequest, Verdict, check};
use crate::usage::{Hold, UsageSnapshot};

use super::alerts::Told;
use super::requests::Purpose;
use super::wire::{Agent, QuotaStatus};
use super::{Draft, Moment, RequestId, Session};

/// Tokens of the system prompt and of what else the server adds, at most.
const SYSTEM_ALLOWANCE: u64 = 400;
/// Bytes the wire format adds per message.
const PER_MESSAGE: u64 = 8;

/// What the server said of the account.
#[derive(Default)]
pub(super) struct Account {
    pub(super) usage: Option<UsageSnapshot>,
    /// How old `usage` is, by this machine's clock.
    pub(super) as_of: Millis,
    /// The server's clock less this machine's, in milliseconds.
    pub(super) skew: i64,
    pub(super) tiers: Vec<Quotas>,
    pub(super) agents: Vec<Agent>,
    pub(super) price: Option<Price>,
    /// As of the last `quota_status`: other replies do not carry it.
    pub(super) calibration: Calibration,
    /// What was told of the day's limits.
    pub(super) told: Option<Told>,
    pub(super) error: Option<ChatErrorDetail>,
    pub(super) reading: Option<RequestId>,
    /// Latest first.
    pub(super) conversations: Vec<Conversation>,
    pub(super) conversations_loaded: bool,
    pub(super) has_more_conversations: bool,
    pub(super) listing: Option<RequestId>,
    pub(super) listing_more: Option<RequestId>,
}

impl Account {
    /// Nothing was read, nothing is being read.
    pub(super) fn is_untouched(&self) -> bool {
        self.usage.is_none() && self.reading.is_none()
    }

    /// Whether a conversation stands below what is listed, with others between that were not read.
    pub(super) fn is_beyond_list(&self, conversation: &Conversation) -> bool {
        let last = self.conversations.last();
        self.has_more_conversations && last.is_none_or(|last| place_of(last) > place_of(conversation))
    }

    /// Puts a conversation in, or its newer state, at its place: latest first.
    pub(super) fn upsert(&mut self, conversation: Conversation) {
        if let Some(held) = self.conversations.iter().position(|held| held.id == conversation.id) {
            let older = self.conversations.remove(held);
            if older.updated_at > conversation.updated_at {
                self.conversations.insert(held, older);
                return;
            }
        }
        let place = self
            .conversations
            .partition_point(|held| place_of(held) > place_of(&conversation));
        self.conversations.insert(place, conversation);
    }
}

impl Session {
    /// Reads the account anew.
    pub fn refetch_account(&mut self, at: &mut Moment) {
        if !self.disposed {
            self.fetch_account(at);
            self.fetch_conversations(at);
        }
    }

    /// May this draft be sent? From memory: what the server last said, and what is in flight here.
    pub fn check(&self, draft: &Draft, now: Millis) -> Verdict {
        let estimate = self.estimate(&draft.conversation_id, &draft.text, now);
        let request = QuotaRequest {
            agent: self.agent_of(draft.agent.as_deref(), &draft.conversation_id),
            files: draft.files.unwrap_or(0).into(),
            new_conversation: self.is_minted(&draft.conversation_id),
            conversation_messages: self.messages_in(&draft.conversation_id),
            adds_messages: 2,
            estimate,
        };
        self.judge(&request, now)
    }

    /// The verdict on a request.
    pub(super) fn judge(&self, request: &QuotaRequest, now: Millis) -> Verdict {
        let there = self.there(now);
        let usage = self.usage(there).filter(|_| self.settings.enforce_limits);
        let mut verdict = match usage {
            Some(usage) => check(
                request,
                &self.with_holds(&usage),
                &self.account.tiers,
                there,
                Basis::Browser,
            ),
            None => allowed(request.estimate),
        };
        verdict.retry_at = verdict.retry_at.map(|at| self.here(at));
        for violation in &mut verdict.violations {
            violation.retry_at = violation.retry_at.map(|at| self.here(at));
        }
        verdict.is_fallback = self.account.usage.is_none();
        verdict.is_stale = self.is_account_stale(now);
        verdict
    }

    /// What the server last said, else what the default tier would have, aged to `there` (the server's clock).
    pub(super) fn usage(&self, there: Millis) -> Option<UsageSnapshot> {
        match &self.account.usage {
            Some(usage) => Some(usage.aged(there)),
            None => self
                .settings
                .default_tier
                .map(|tier| UsageSnapshot::fallback(tier, there)),
        }
    }

    pub(super) fn is_account_stale(&self, now: Millis) -> bool {
        let age = now.checked_sub(self.account.as_of);
        self.account.usage.is_some() && age.is_none_or(|age| age >= FRESH_FOR)
    }

    /// What a message of this text may cost. Zero while no price is known: the server decides.
    pub(super) fn estimate(&self, conversation_id: &str, text: &str, now: Millis) -> Estimate {
        let Some(price) = self.account.price.as_ref().or(self.settings.assumed_price.as_ref()) else {
            return Estimate::default();
        };
        let quotas = self.usage(self.there(now)).map(|usage| usage.quotas);
        let (budget, max_output) = quotas.map_or((u64::MAX, 0), |quotas| {
            (quotas.context_token_budget, quotas.max_output_tokens)
        });
        let history = self.threads.peek(conversation_id).map_or(0, |thread| {
            thread.pages.content_bytes() as u64 + PER_MESSAGE * thread.pages.len() as u64
        });
        let bytes = text.len() as u64;
        estimate(
            bytes,
            budget.min(history).saturating_add(SYSTEM_ALLOWANCE + bytes),
            max_output,
            price,
            &self.account.calibration,
        )
    }

    /// The snapshot with what is in flight, here and in the other tabs.
    pub(super) fn with_holds(&self, usage: &UsageSnapshot) -> UsageSnapshot {
        let here = usage.with_holds(&self.holds);
        self.others.holds().fold(here, |usage, holds| usage.with_holds(holds))
    }

    /// Sets quota aside for a turn until the server counts it itself.
    pub(super) fn hold(&mut self, turn_id: &str, conversation_id: &str, text: &str, now: Millis) {
        let max_cost = self.estimate(conversation_id, text, now).max_micro_usd;
        let at = self.there(now);
        self.holds.insert(
            turn_id,
            Hold {
                max_cost,
                at,
                conversation_id: conversation_id.to_owned(),
            },
        );
        self.change_all();
        self.spent_at = Some(now);
    }

    /// The turn ended: its hold goes back, or has become a charge the server counts.
    pub(super) fn drop_hold(&mut self, turn_id: &str) {
        if self.holds.remove(turn_id).is_some() {
            self.change_all();
        }
    }

    /// Takes in what a reply says is spent, and tells the other tabs. `set_out`: when it was asked for, if that is known.
    pub(super) fn learn_usage(&mut self, usage: UsageSnapshot, set_out: Option<Millis>, now: Millis) {
        if self.take_usage(usage, set_out, now) {
            self.tell_usage();
        }
    }

    /// An older version than the known one is ignored.
    pub(super) fn take_usage(&mut self, usage: UsageSnapshot, set_out: Option<Millis>, now: Millis) -> bool {
        let known = self
            .account
            .usage
            .as_ref()
            .filter(|known| known.organization.id == usage.organization.id);
        if known.is_some_and(|known| (known.version, known.server_time) > (usage.version, usage.server_time)) {
            return false;
        }
        self.learn_clock(usage.server_time, set_out, now);
        // It may have been under way for long, to a tab that was frozen.
        self.account.as_of = self.here(usage.server_time).min(now);
        self.holds.retain_unknown(&usage.live_turn_ids);
        self.others.retain_unknown(&usage.live_turn_ids);
        self.account.usage = Some(usage);
        self.change_all();
        self.spent_at = Some(now);
        true
    }

    /// What was said was under way for a while, so the server's clock is at least this far ahead; and it was read after
    /// the request set out, so it is at most that far ahead. The greatest of what was seen is the nearest, unless one of
    /// the clocks was set. What a stream says may be heard at any time later, as a tab that was frozen hears it, so it
    /// never tells that the clock is less far ahead.
    fn learn_clock(&mut self, server_time: Millis, set_out: Option<Millis>, now: Millis) {
        let seen = lead(server_time, now);
        let known = self.account.skew;
        let was_set = set_out.is_some_and(|set_out| lead(server_time, set_out) < known);
        if self.account.usage.is_none() || seen > known || was_set {
            self.account.skew = seen;
        }
    }

    pub(super) fn fetch_account(&mut self, at: &mut Moment) {
        if self.account.reading.is_none() {
            self.account.reading = Some(self.issue(Purpose::Account, 0, at));
            self.changed_account = true;
        }
    }

    pub(super) fn account_read(
        &mut self,
        status: QuotaStatus,
        learnt: Calibration,
        set_out: Option<Millis>,
        at: &mut Moment,
    ) {
        // Though something newer be known of what is spent.
        self.learn_clock(status.usage.server_time, set_out, at.now);
        self.account.reading = None;
        self.change_all();
        self.account.error = None;
        self.account.price = status
            .prices
            .into_iter()
            .find(|price| price.model == status.default_model);
        self.account.calibration = learnt;
        self.account.tiers = status.tiers;
        self.account.agents = status.agents;
        self.learn_usage(status.usage, set_out, at.now);
    }

    pub(super) fn account_unread(&mut self, error: ChatErrorDetail) {
        self.account.reading = None;
        self.account.error = Some(error);
        self.change_all();
    }

    /// The next instant, by this machine's clock, at which what is shown changes by itself.
    pub(super) fn next_ageing(&self, now: Millis) -> Option<Millis> {
        let mut instants = Vec::new();
        let there = self.there(now);
        if let Some(usage) = self.usage(there) {
            instants = self.with_holds(&usage).hour_frees_at;
            // A departure that frees no place, for what is held here, lowers the count all the same.
            instants.extend_from_slice(&usage.hour_frees_at);
            instants.extend_from_slice(&[
                usage.day_resets_at,
                usage.month_resets_at,
                usage.license.expires_at.unwrap_or_default(),
                self.there(self.account.as_of.saturating_add(FRESH_FOR)),
            ]);
        }
        for (id, _) in self.talks.iter().filter(|(_, talk)| talk.looks > 0) {
            let fresh_until = self.threads.fresh_until(id);
            instants.push(self.there(fresh_until.unwrap_or_default()));
        }
        let next = instants.iter().filter(|at| **at > there).min();
        next.map(|at| self.here(*at))
    }

    /// The agent a draft is for: its own, its conversation's, the client's.
    pub(super) fn agent_of(&self, agent: Option<&str>, conversation_id: &str) -> String {
        let talk = self.talks.get(conversation_id).and_then(|talk| talk.agent.as_deref());
        let known = self
            .conversation_of(conversation_id)
            .map(|conversation| conversation.agent.as_str());
        agent.or(talk).or(known).unwrap_or(&self.settings.agent).to_owned()
    }

    /// Messages in a conversation, with those on their way to it.
    fn messages_in(&self, conversation_id: &str) -> u64 {
        let known = self
            .conversation_of(conversation_id)
            .map_or(0, |conversation| conversation.message_count);
        known.saturating_add(2 * self.unheard_of(conversation_id))
    }
}

/// Where a conversation stands in the list: greatest first.
pub(super) fn place_of(conversation: &Conversation) -> (Millis, &str) {
    (conversation.updated_at, &conversation.id)
}

/// How far the server's clock is ahead of this machine's, in milliseconds.
fn lead(server_time: Millis, now: Millis) -> i64 {
    i64::try_from(server_time).unwrap_or(0).saturating_sub_unsigned(now)
}

/// What is said when there is nothing to judge by: the server decides.
fn allowed(estimate: Estimate) -> Verdict {
    Verdict {
        allowed: true,
        reason: None,
        violations: Vec::new(),
        retry_at: None,
        soft_limit: false,
        estimate,
        is_stale: false,
        is_fallback: false,
        upgrade: None,
    }
}
