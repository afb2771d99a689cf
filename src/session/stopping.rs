//! Stopping a turn: one the server has, one that never left, and one of which it is not known.
//!
//! A message is said to be unsent only when the server does not have it, or whoever gets its text back may send it twice.
//! When a request of it went out and nobody heard what became of it, the server is asked to stop the turn. If it has the
//! turn, that is read to its end like any other. If it has not, the request may still be on its way, for giving a request
//! up does not call it back: so the server is asked once more, [`DECIDED_WITHIN`] later, and then it is believed. That
//! the turn is to be stopped is stored with it, so a reload, a lost network or a new sign-in does not send it instead.
//!
//! A network may hold a request back for longer still. Then it arrives under the id it always had: whoever has kept the
//! message finds it settled and not twice, and only a person who wrote it anew meanwhile has said it two times.

use crate::Millis;
use crate::outbox::{OutboxEntry, OutboxState};
use crate::problem::{ChatErrorDetail, Problem};
use crate::retry::{Failure, Retryable, retryable};

use super::io::RequestId;
use super::requests::Purpose;
use super::wire::Stopped;
use super::{Moment, Session};

/// What has set out is known to the server after this long, or never will be: the edge function knows the caller within
/// 5 s of a request's arrival and the verdict within 8 s more, or refuses it.
pub(super) const DECIDED_WITHIN: Millis = 30_000;

impl Session {
    /// Stops the answer under way. What has arrived is kept.
    pub fn stop(&mut self, conversation_id: &str, at: &mut Moment) {
        if self.disposed {
            return;
        }
        let Some(live) = self.live(conversation_id) else { return };
        live.stop_wanted = true;
        let (accepted, request, turn_id) = (live.accepted, live.request, live.turn_id.clone());
        let waits = request.is_some_and(|request| self.requests.waits(request));
        let went = self.outbox.get(&turn_id).is_some_and(|entry| entry.went);
        if waits && !accepted && !went {
            self.never_arrived(conversation_id, at);
            return;
        }
        self.keep_as_stopping(&turn_id, OutboxState::Sending);
        // What is on the wire has a reply to come.
        if waits || accepted {
            self.ask_to_stop(conversation_id, 0, at);
        }
    }

    /// Gives a queued or failed message up and returns its text; `None` when it is under way, or may be: then it is stopped.
    pub fn take_back(&mut self, message_id: &str, at: &mut Moment) -> Option<String> {
        let is_idle = |entry: &&OutboxEntry| entry.is_queued() || entry.has_failed();
        let entry = self.outbox.get(message_id).filter(is_idle).filter(|_| !self.disposed)?;
        let (text, conversation_id) = (entry.content.clone(), entry.conversation_id.clone());
        let may_have_arrived = entry.went;
        self.set_error(&conversation_id, None);
        if may_have_arrived {
            self.keep_as_stopping(message_id, OutboxState::Queued);
            self.pump(&conversation_id, at);
            return None;
        }
        self.acknowledge(message_id);
        self.drop_hold(message_id);
        Some(text)
    }

    pub(super) fn ask_to_stop(&mut self, conversation_id: &str, delay: Millis, at: &mut Moment) {
        let Some(live) = self.live(conversation_id).filter(|live| live.stopping.is_none()) else {
            return;
        };
        let turn_id = live.turn_id.clone();
        // What is to be stopped is not sent again first.
        let unsent = if live.accepted { None } else { live.request.take() };
        if let Some(request) = unsent {
            self.give_up(request);
        }
        let purpose = Purpose::Stop {
            conversation_id: conversation_id.to_owned(),
            turn_id,
        };
        let request = self.issue(purpose, delay, at);
        if let Some(live) = self.live(conversation_id) {
            live.stopping = Some(request);
        }
    }

    /// The conversation whose message would go again though it is to be stopped.
    pub(super) fn would_send_what_is_to_stop(&self, id: RequestId, failure: &Failure) -> Option<String> {
        let Some(Purpose::Post { conversation_id, .. }) = self.requests.purpose(id) else {
            return None;
        };
        let live = self.talks.get(conversation_id)?.live.as_ref()?;
        let goes_again = matches!(
            retryable(failure),
            Retryable::Backoff | Retryable::WhenOnline | Retryable::WithNewToken
        );
        (live.stop_wanted && goes_again).then(|| conversation_id.clone())
    }

    pub(super) fn stop_answered(&mut self, conversation_id: &str, turn_id: &str, stopped: Stopped, at: &mut Moment) {
        if let Some(usage) = stopped.usage {
            self.learn_usage(usage, None, at.now);
        }
        let ended = stopped.turn.is_some_and(|turn| turn.state.ended());
        let Some(live) = self.live(conversation_id).filter(|live| live.turn_id == turn_id) else {
            return;
        };
        // Its worker is gone, and with it the stream, or nobody listens to it yet: what it came to is read anew.
        if ended || live.request.is_none() {
            self.resume(conversation_id, 0, at);
        }
    }

    /// The stop has failed. `unknown`: the server does not have the turn.
    pub(super) fn not_stopped(
        &mut self,
        conversation_id: &str,
        turn_id: &str,
        unknown: bool,
        error: ChatErrorDetail,
        at: &mut Moment,
    ) {
        let Some(live) = self.live(conversation_id).filter(|live| live.turn_id == turn_id) else {
            return;
        };
        live.stopping = None;
        let unheard_of = live.request.is_none();
        match (unheard_of, unknown, std::mem::replace(&mut live.denied, unknown)) {
            (true, true, true) => self.never_arrived(conversation_id, at),
            (true, true, false) => self.ask_to_stop(conversation_id, DECIDED_WITHIN, at),
            (true, false, _) => self.turn_failed(conversation_id, error, at),
            (false, ..) => {
                live.stop_wanted = false;
                self.outbox.update(turn_id, |entry| entry.stop_wanted = false);
                self.store(turn_id);
                self.set_error(conversation_id, Some(error));
            }
        }
    }

    /// What the server says of a turn that failed: when it does not have it, nobody has to ask.
    pub(super) fn note_denial(&mut self, turn_id: &str, problem: &Problem) {
        if problem.says_it_is_not_there() {
            self.outbox.update(turn_id, |entry| entry.went = false);
        }
    }

    /// The server does not have the live turn, which is to be stopped: its text is the person's again.
    pub(super) fn never_arrived(&mut self, conversation_id: &str, at: &mut Moment) {
        let mut error = if self.is_online {
            ChatErrorDetail::network()
        } else {
            ChatErrorDetail::offline()
        };
        error.message = "Stopped before it was sent.".to_owned();
        if let Some(turn_id) = self.live(conversation_id).map(|live| live.turn_id.clone()) {
            self.outbox.update(&turn_id, |entry| entry.went = false);
        }
        self.turn_failed(conversation_id, error, at);
        self.clear_error(conversation_id);
    }
}
