//! From a request to an answer: the events of a turn's stream, and picking it up again where it broke off.

use crate::Millis;
use crate::message::Role;
use crate::outbox::{OutboxState, Trigger};
use crate::problem::ChatErrorDetail;
use crate::retry::Backoff;
use crate::sse::Parser;

use super::events::Then;
use super::io::{Base, RequestId};
use super::requests::Purpose;
use super::{Moment, Session, Talk};

/// The server says something every 15 s. A stream silent for longer than this is dead.
const SILENCE: Millis = 45_000;

/// A turn under way.
pub(super) struct Live {
    pub(super) turn_id: String,
    pub(super) trigger: Trigger,
    /// The server has the turn: what breaks off is resumed, not sent again.
    pub(super) accepted: bool,
    pub(super) answer_id: Option<String>,
    /// How many turns the provider answers before this one, itself included; `None`: it is not waiting, or nobody said.
    pub(super) position: Option<u64>,
    /// What of the answer is here.
    pub(super) answer: String,
    /// Changes with the answer.
    pub(super) version: u64,
    pub(super) created_at: Millis,
    pub(super) request: Option<RequestId>,
    pub(super) stop_wanted: bool,
    pub(super) stopping: Option<RequestId>,
    /// The server, asked to stop it, did not have it.
    pub(super) denied: bool,
    parser: Parser,
    /// When the open stream last said something.
    heard_at: Option<Millis>,
    pub(super) backoff: Backoff,
}

impl Live {
    pub(super) fn new(turn_id: &str, trigger: Trigger, version: u64, now: Millis) -> Live {
        Live {
            turn_id: turn_id.to_owned(),
            trigger,
            accepted: false,
            answer_id: None,
            position: None,
            answer: String::new(),
            version,
            created_at: now,
            request: None,
            stop_wanted: false,
            stopping: None,
            denied: false,
            parser: Parser::new(),
            heard_at: None,
            backoff: Backoff::new(),
        }
    }

    /// When its stream counts as dead, if nothing comes before.
    pub(super) fn silent_at(&self) -> Option<Millis> {
        self.heard_at.map(|at| at.saturating_add(SILENCE))
    }
}

impl Session {
    pub(super) fn live(&mut self, conversation_id: &str) -> Option<&mut Live> {
        self.talks.get_mut(conversation_id)?.live.as_mut()
    }

    /// How many bytes of the live answer are here.
    pub(super) fn received(&self, conversation_id: &str) -> usize {
        self.talks
            .get(conversation_id)
            .and_then(|talk| talk.live.as_ref())
            .map_or(0, |live| live.answer.len())
    }

    pub(super) fn live_backoff(&mut self, conversation_id: &str, random: u32) -> Option<Millis> {
        let live = self.live(conversation_id)?;
        live.heard_at = None;
        live.backoff.next(random)
    }

    /// Stops attending to the live turn, whatever becomes of it.
    pub(super) fn end_live(&mut self, conversation_id: &str) -> Option<Live> {
        let live = self.talks.get_mut(conversation_id)?.live.take()?;
        for request in [live.request, live.stopping].into_iter().flatten() {
            self.give_up(request);
        }
        self.threads.unpin(conversation_id);
        // Its message looks settled from now on.
        self.touch_message(conversation_id, &live.turn_id);
        Some(live)
    }

    /// Makes a turn the live one of its conversation.
    pub(super) fn begin_live(&mut self, conversation_id: &str, live: Live) {
        self.end_live(conversation_id);
        let turn_id = live.turn_id.clone();
        self.talks.update(conversation_id, |talk| talk.live = Some(live));
        self.threads.pin(conversation_id);
        self.touch_message(conversation_id, &turn_id);
    }

    /// Whether the server has the live turn. Its message looks accordingly.
    pub(super) fn set_accepted(&mut self, conversation_id: &str, accepted: bool) {
        let version = self.version + 1;
        let Some(live) = self.live(conversation_id).filter(|live| live.accepted != accepted) else {
            return;
        };
        live.accepted = accepted;
        let turn_id = live.turn_id.clone();
        if let Some(row) = self.row_versions.get_mut(&turn_id) {
            *row = version;
            self.version = version;
        }
        self.change(conversation_id);
    }

    /// Reads along with a turn that is live on the server: begun elsewhere, or here before a reload.
    pub(super) fn attend(&mut self, conversation_id: &str, turn_id: &str, pause: Millis, at: &mut Moment) {
        if self.live(conversation_id).is_some() {
            return;
        }
        let entry = self.outbox.get(turn_id);
        let trigger = entry.map_or(Trigger::SubmitMessage, |entry| entry.trigger);
        let stop_wanted = entry.is_some_and(|entry| entry.stop_wanted);
        let mut live = Live::new(turn_id, trigger, self.next_version(), at.now);
        (live.accepted, live.stop_wanted) = (true, stop_wanted);
        let partial = self.threads.peek(conversation_id).and_then(|thread| {
            thread
                .pages
                .messages()
                .rev()
                .find(|message| message.turn_id == turn_id && message.role == Role::Assistant)
        });
        if let Some(partial) = partial {
            live.answer_id = Some(partial.id.clone());
            live.answer.clone_from(&partial.content);
            live.created_at = partial.created_at;
        }
        self.set_state(turn_id, OutboxState::Sending);
        self.begin_live(conversation_id, live);
        self.resume(conversation_id, pause, at);
    }

    /// Reads the live turn's stream from where we are.
    pub(super) fn resume(&mut self, conversation_id: &str, delay: Millis, at: &mut Moment) {
        self.set_accepted(conversation_id, true);
        let Some(live) = self.live(conversation_id) else { return };
        let purpose = Purpose::Resume {
            conversation_id: conversation_id.to_owned(),
            turn_id: live.turn_id.clone(),
        };
        self.stream_with(conversation_id, purpose, delay, at);
    }

    /// Sends the live turn.
    pub(super) fn post(&mut self, conversation_id: &str, delay: Millis, at: &mut Moment) {
        let Some(live) = self.live(conversation_id) else { return };
        let purpose = Purpose::Post {
            conversation_id: conversation_id.to_owned(),
            turn_id: live.turn_id.clone(),
        };
        self.stream_with(conversation_id, purpose, delay, at);
    }

    fn stream_with(&mut self, conversation_id: &str, purpose: Purpose, delay: Millis, at: &mut Moment) {
        let before = self.live(conversation_id).and_then(|live| live.request.take());
        if let Some(request) = before {
            self.give_up(request);
        }
        let request = self.issue(purpose, delay, at);
        if let Some(live) = self.live(conversation_id) {
            live.request = Some(request);
            live.heard_at = None;
        }
    }

    pub(super) fn stream_opened(&mut self, id: RequestId, at: &mut Moment) {
        let Some(conversation_id) = self.stream_of(id) else {
            return;
        };
        self.requests.opened(id);
        self.endpoint_answers(Base::Functions);
        if let Some(live) = self.live(&conversation_id) {
            live.parser = Parser::new();
            live.heard_at = Some(at.now);
        }
    }

    pub(super) fn stream_grew(&mut self, id: RequestId, bytes: &[u8], at: &mut Moment) {
        let Some(conversation_id) = self.stream_of(id) else {
            return;
        };
        let Some(live) = self.live(&conversation_id) else {
            return;
        };
        live.heard_at = Some(at.now);
        let Ok(events) = live.parser.feed(bytes) else {
            self.give_up(id);
            self.torn(&conversation_id, ChatErrorDetail::malformed_reply(), at);
            return;
        };
        for event in events {
            match self.take_event(&conversation_id, &event, at) {
                Then::Read => {}
                Then::End => return,
                Then::Again(error) => {
                    self.give_up(id);
                    self.torn(&conversation_id, error, at);
                    return;
                }
            }
        }
    }

    pub(super) fn stream_ended(&mut self, id: RequestId, at: &mut Moment) {
        let Some(conversation_id) = self.stream_of(id) else {
            return;
        };
        self.requests.finish(id);
        self.torn(&conversation_id, ChatErrorDetail::network(), at);
    }

    pub(super) fn end_silent_streams(&mut self, at: &mut Moment) {
        let silent = |live: &Live| live.silent_at().is_some_and(|silent_at| silent_at <= at.now);
        let is_dead = |talk: &Talk| talk.live.as_ref().is_some_and(silent);
        for conversation_id in self.talks.keys_of(&is_dead) {
            if let Some(request) = self.live(&conversation_id).and_then(|live| live.request) {
                self.give_up(request);
            }
            self.torn(&conversation_id, ChatErrorDetail::network(), at);
        }
    }

    /// The live turn's stream broke off before its end: again, after a pause, until the pauses are used up.
    pub(super) fn torn(&mut self, conversation_id: &str, error: ChatErrorDetail, at: &mut Moment) {
        let random = at.random.number() as u32;
        let Some(live) = self.live(conversation_id) else { return };
        live.request = None;
        live.heard_at = None;
        match (live.backoff.next(random), live.accepted) {
            (Some(pause), true) => self.resume(conversation_id, pause, at),
            (Some(pause), false) if live.stop_wanted => {
                live.stopping = None;
                self.ask_to_stop(conversation_id, pause, at);
            }
            (Some(pause), false) => self.post(conversation_id, pause, at),
            (None, _) => self.turn_failed(conversation_id, error, at),
        }
    }

    /// The server does not know the turn we wanted to read along with.
    pub(super) fn turn_unknown(&mut self, conversation_id: &str, turn_id: &str, at: &mut Moment) {
        if self.outbox.get(turn_id).is_some() {
            // Ours, and it never arrived: sent again under the same id.
            self.set_accepted(conversation_id, false);
            self.torn(conversation_id, ChatErrorDetail::network(), at);
        } else {
            self.end_live(conversation_id);
            self.fetch_latest(conversation_id, at);
        }
    }

    /// The conversation whose live turn reads this request; `None` for what nobody waits for any more.
    fn stream_of(&self, id: RequestId) -> Option<String> {
        self.requests.purpose(id)?.stream().map(str::to_owned)
    }
}
