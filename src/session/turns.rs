//! From a draft to a request: what is typed goes to the outbox first, and leaves it when the server has answered it.

use crate::Millis;
use crate::cost::Estimate;
use crate::outbox::{self, OutboxEntry, OutboxState, Trigger};
use crate::problem::{ChatErrorCode, ChatErrorDetail};
use crate::quota::{QuotaRequest, Verdict};
use crate::uuid::is_uuid;

use super::stream::Live;
use super::{Draft, Moment, Session, sooner};

/// The longest message, in UTF-8 bytes.
pub const MAX_MESSAGE_BYTES: usize = 16_000;

impl Session {
    /// Sends a message, or queues it behind the answer under way. Returns its id.
    ///
    /// # Errors
    /// `invalid_request`, `quota_exceeded`, `not_allowed`, `signed_out`, `disposed`: nothing was consumed or queued.
    pub fn send(&mut self, draft: &Draft, at: &mut Moment) -> Result<String, ChatErrorDetail> {
        self.usable()?;
        validate(draft)?;
        if self.identity.signed_out {
            return Err(ChatErrorDetail::signed_out());
        }
        self.not_deleted_here(&draft.conversation_id)?;
        let patient = draft.queue == Some(true);
        let verdict = self.check(draft, at.now);
        let not_before = match (verdict.allowed, lifts_at(&verdict).filter(|_| patient)) {
            (true, _) => patient.then(|| self.there(at.now)),
            (false, Some(lifts_at)) => Some(self.there(lifts_at)),
            (false, None) => return Err(self.refuse(verdict, at)),
        };
        let turn_id = self.new_id(at);
        let entry = OutboxEntry {
            conversation_id: draft.conversation_id.clone(),
            agent: self.agent_of(draft.agent.as_deref(), &draft.conversation_id),
            content: draft.text.clone(),
            files: draft.files.unwrap_or(0).into(),
            not_before,
            ..self.blank_entry(&turn_id, at.now)
        };
        if verdict.allowed {
            self.hold(&turn_id, &draft.conversation_id, &draft.text, at.now);
        }
        self.enqueue(entry, at);
        Ok(turn_id)
    }

    /// Asks for another answer in place of the last one. Returns the turn's id.
    ///
    /// # Errors
    /// As [`Session::send`], and `conversation_busy` while a turn is under way.
    pub fn regenerate(&mut self, conversation_id: &str, at: &mut Moment) -> Result<String, ChatErrorDetail> {
        self.usable()?;
        if self.identity.signed_out {
            return Err(ChatErrorDetail::signed_out());
        }
        self.not_deleted_here(conversation_id)?;
        if self.live(conversation_id).is_some() {
            let message = "An answer is still being written here. Wait for it or stop it.";
            return Err(ChatErrorDetail::new(ChatErrorCode::ConversationBusy, message));
        }
        let has_answer = self
            .threads
            .peek(conversation_id)
            .is_some_and(|thread| !thread.pages.is_empty());
        if !has_answer {
            return Err(ChatErrorDetail::invalid(
                "/conversationId",
                "There is no answer here to replace.",
            ));
        }
        let agent = self.agent_of(None, conversation_id);
        let turn_id = self.new_id(at);
        let entry = OutboxEntry {
            conversation_id: conversation_id.to_owned(),
            agent,
            trigger: Trigger::RegenerateMessage,
            ..self.blank_entry(&turn_id, at.now)
        };
        let verdict = self.judge_entry(&entry, at.now);
        if !verdict.allowed {
            return Err(self.refuse(verdict, at));
        }
        self.hold(&turn_id, conversation_id, "", at.now);
        self.enqueue(entry, at);
        Ok(turn_id)
    }

    /// Sends a failed message again, with the id it was born with.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub fn retry(&mut self, message_id: &str, at: &mut Moment) -> Result<(), ChatErrorDetail> {
        self.usable()?;
        if self.identity.signed_out {
            return Err(ChatErrorDetail::signed_out());
        }
        let failed = |entry: &&OutboxEntry| entry.has_failed();
        let Some(entry) = self.outbox.get(message_id).filter(failed).cloned() else {
            return Ok(());
        };
        self.not_deleted_here(&entry.conversation_id)?;
        let verdict = self.judge_entry(&entry, at.now);
        if !verdict.allowed {
            return Err(self.refuse(verdict, at));
        }
        self.hold(message_id, &entry.conversation_id, &entry.content, at.now);
        self.outbox.update(message_id, |entry| entry.stop_wanted = false);
        self.set_state(message_id, OutboxState::Queued);
        self.set_error(&entry.conversation_id, None);
        self.pump(&entry.conversation_id, at);
        Ok(())
    }

    /// The error was seen.
    pub fn clear_error(&mut self, conversation_id: &str) {
        self.set_error(conversation_id, None);
    }

    /// Sends the conversation's next message, when nothing is under way there.
    pub(super) fn pump(&mut self, conversation_id: &str, at: &mut Moment) {
        if self.identity.user_id.is_none() || self.identity.signed_out || self.live(conversation_id).is_some() {
            return;
        }
        if self.not_deleted_here(conversation_id).is_err() {
            return;
        }
        let there = self.there(at.now);
        let Some(entry) = self.outbox.next_sendable(conversation_id, there).cloned() else {
            return;
        };
        if !self.holds.contains(&entry.turn_id) && !entry.stop_wanted {
            // It waited for a limit to lift, here or before a reload.
            let verdict = self.judge_entry(&entry, at.now);
            if !verdict.allowed && entry.not_before.is_some() {
                self.wait_on(&entry, verdict, at);
                return;
            }
            self.hold(&entry.turn_id, conversation_id, &entry.content, at.now);
        }
        let new_conversation = self.is_minted(conversation_id);
        self.outbox
            .update(&entry.turn_id, |entry| entry.new_conversation = new_conversation);
        self.set_state(&entry.turn_id, OutboxState::Sending);
        let mut live = Live::new(&entry.turn_id, entry.trigger, self.next_version(), at.now);
        live.stop_wanted = entry.stop_wanted;
        self.begin_live(conversation_id, live);
        if entry.stop_wanted {
            self.ask_to_stop(conversation_id, 0, at);
        } else {
            self.post(conversation_id, 0, at);
        }
    }

    pub(super) fn pump_all(&mut self, at: &mut Moment) {
        let mut conversations: Vec<String> = Vec::new();
        for entry in self.outbox.iter() {
            if !conversations.contains(&entry.conversation_id) {
                conversations.push(entry.conversation_id.clone());
            }
        }
        for conversation_id in conversations {
            self.pump(&conversation_id, at);
        }
    }

    /// When the next waiting message may go, by this machine's clock.
    pub(super) fn next_release(&self) -> Option<Millis> {
        if self.identity.signed_out || self.identity.user_id.is_none() {
            return None;
        }
        let mut seen: Vec<&str> = Vec::new();
        let mut next = None;
        for entry in self.outbox.iter() {
            let id = entry.conversation_id.as_str();
            if entry.has_failed() || seen.contains(&id) {
                continue;
            }
            seen.push(id);
            let talk = self.talks.get(id);
            let held_up = talk.is_some_and(|talk| talk.live.is_some() || talk.deleted);
            if entry.is_queued() && !held_up {
                next = sooner(next, entry.not_before.map(|at| self.here(at)));
            }
        }
        next
    }

    pub(super) fn release_waiting(&mut self, at: &mut Moment) {
        if self.next_release().is_some_and(|release| release <= at.now) {
            self.pump_all(at);
        }
    }

    /// Another turn is live in the conversation: the message waits for it, and its answer is shown meanwhile.
    pub(super) fn yield_to(&mut self, conversation_id: &str, turn_id: &str, other: Option<String>, at: &mut Moment) {
        if self.live(conversation_id).is_some_and(|live| live.stop_wanted) {
            self.never_arrived(conversation_id, at);
            return;
        }
        let random = at.random.number() as u32;
        let pause = self
            .talks
            .get_mut(conversation_id)
            .and_then(|talk| talk.yields.next(random));
        let (Some(pause), Some(other)) = (pause, other.filter(|other| other != turn_id && is_uuid(other))) else {
            let message = "An answer is still being written here. Wait for it or stop it.";
            let error = ChatErrorDetail::new(ChatErrorCode::ConversationBusy, message);
            self.turn_failed(conversation_id, error, at);
            return;
        };
        self.end_live(conversation_id);
        self.set_state(turn_id, OutboxState::Queued);
        self.attend(conversation_id, &other, pause, at);
    }

    /// The live turn failed for good. What was typed stays in the outbox.
    pub(super) fn turn_failed(&mut self, conversation_id: &str, error: ChatErrorDetail, at: &mut Moment) {
        let Some(live) = self.end_live(conversation_id) else {
            return;
        };
        self.drop_hold(&live.turn_id);
        if error.status.is_none() {
            // The server said nothing, so what it counts has to be asked for.
            self.fetch_account(at);
        }
        match self.outbox.get(&live.turn_id).cloned() {
            Some(entry) if entry.trigger == Trigger::SubmitMessage => {
                let lifts_at = error
                    .verdict
                    .as_ref()
                    .and_then(lifts_at)
                    .filter(|_| entry.not_before.is_some() && !entry.stop_wanted);
                match lifts_at {
                    Some(lifts_at) => self.wait_until(&entry.turn_id, lifts_at, at.now),
                    None => {
                        self.set_state(&entry.turn_id, OutboxState::Failed(error.clone()));
                        self.set_error(conversation_id, Some(error));
                    }
                }
            }
            Some(entry) => {
                // Nothing was typed for another answer, so nothing is kept.
                self.acknowledge(&entry.turn_id);
                self.set_error(conversation_id, Some(error));
            }
            None => {}
        }
        if live.accepted {
            self.fetch_latest(conversation_id, at);
            self.tell_conversation(conversation_id);
        }
        self.pump(conversation_id, at);
    }

    pub(super) fn set_error(&mut self, conversation_id: &str, error: Option<ChatErrorDetail>) {
        if let Some(talk) = self.talks.get_mut(conversation_id) {
            talk.error_is_of_reading = false;
            if talk.error.is_some() || error.is_some() {
                talk.error = error;
                self.change(conversation_id);
            }
        }
    }

    pub(super) fn new_id(&mut self, at: &mut Moment) -> String {
        let mut random = [0; 10];
        at.random.fill(&mut random);
        self.uuids.next(at.now, random)
    }

    fn blank_entry(&self, turn_id: &str, now: Millis) -> OutboxEntry {
        OutboxEntry {
            v: outbox::VERSION,
            turn_id: turn_id.to_owned(),
            user_id: self.identity.user_id.clone().unwrap_or_default(),
            organization_id: self.settings.organization_id.clone(),
            conversation_id: String::new(),
            new_conversation: false,
            agent: String::new(),
            trigger: Trigger::SubmitMessage,
            content: String::new(),
            files: 0,
            created_at: now,
            state: OutboxState::Queued,
            not_before: None,
            went: false,
            stop_wanted: false,
            owner_tab: self.tab.clone(),
        }
    }

    fn enqueue(&mut self, mut entry: OutboxEntry, at: &mut Moment) {
        let (turn_id, conversation_id) = (entry.turn_id.clone(), entry.conversation_id.clone());
        entry.new_conversation = self.is_minted(&conversation_id);
        self.talks.update(&conversation_id, |_| {});
        self.outbox.insert(entry);
        self.set_state(&turn_id, OutboxState::Queued);
        self.set_error(&conversation_id, None);
        self.pump(&conversation_id, at);
    }

    fn judge_entry(&self, entry: &OutboxEntry, now: Millis) -> Verdict {
        let submits = entry.trigger == Trigger::SubmitMessage;
        let known = self
            .conversation_of(&entry.conversation_id)
            .map_or(0, |conversation| conversation.message_count);
        let estimate: Estimate = self.estimate(&entry.conversation_id, &entry.content, now);
        let request = QuotaRequest {
            agent: entry.agent.clone(),
            files: entry.files,
            new_conversation: self.is_minted(&entry.conversation_id),
            conversation_messages: known,
            adds_messages: if submits { 2 } else { 0 },
            estimate,
        };
        self.judge(&request, now)
    }

    /// Refused here. When that rests on old figures, newer ones are asked for.
    fn refuse(&mut self, verdict: Verdict, at: &mut Moment) -> ChatErrorDetail {
        if verdict.is_stale {
            self.fetch_account(at);
        }
        ChatErrorDetail::denied(verdict)
    }

    /// The limit a queued message waited for has not lifted after all.
    fn wait_on(&mut self, entry: &OutboxEntry, verdict: Verdict, at: &Moment) {
        match lifts_at(&verdict) {
            Some(lifts_at) => self.wait_until(&entry.turn_id, lifts_at, at.now),
            None => {
                let error = ChatErrorDetail::denied(verdict);
                self.set_state(&entry.turn_id, OutboxState::Failed(error.clone()));
                self.set_error(&entry.conversation_id, Some(error));
            }
        }
    }

    /// `lifts_at` is an instant of this machine's clock.
    fn wait_until(&mut self, turn_id: &str, lifts_at: Millis, now: Millis) {
        // A limit that should have lifted and has not is asked about again, but not at once.
        const AT_LEAST: Millis = 1_000;
        let not_before = Some(self.there(lifts_at.max(now.saturating_add(AT_LEAST))));
        self.outbox.update(turn_id, |entry| entry.not_before = not_before);
        self.set_state(turn_id, OutboxState::Queued);
    }
}

/// When waiting lifts everything that denies; `None` when it does not.
fn lifts_at(verdict: &Verdict) -> Option<Millis> {
    verdict
        .retry_at
        .filter(|_| verdict.violations.iter().all(|violation| violation.retry_at.is_some()))
}

fn validate(draft: &Draft) -> Result<(), ChatErrorDetail> {
    if !is_uuid(&draft.conversation_id) {
        return Err(ChatErrorDetail::invalid(
            "/conversationId",
            "The conversation's id is not a UUID.",
        ));
    }
    if draft.text.chars().all(char::is_whitespace) {
        return Err(ChatErrorDetail::invalid("/text", "Write a message first."));
    }
    if draft.text.len() > MAX_MESSAGE_BYTES {
        let message = "The message is too long: at most 16,000 bytes, which is about 16,000 letters.";
        return Err(ChatErrorDetail::invalid("/text", message));
    }
    Ok(())
}
