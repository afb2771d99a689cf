//! What the events of a turn's stream mean.

use crate::message::Conversation;
use crate::outbox::Trigger;
use crate::problem::{ChatErrorDetail, Problem, ProblemCode};
use crate::retry::{Failure, Retryable, retryable};
use crate::sse::Event;

use super::wire::{self, Accepted, Delta, Done, InLine};
use super::{Moment, Session};

/// An answer longer than this is not one.
const MAX_ANSWER_BYTES: usize = 4 << 20;

/// What an event leads to.
pub(super) enum Then {
    /// More follows.
    Read,
    /// The turn has ended; so has its stream.
    End,
    /// Something is missing, or is not what was agreed: read the stream anew.
    Again(ChatErrorDetail),
}

impl Session {
    /// Takes in one event of the live turn.
    pub(super) fn take_event(&mut self, conversation_id: &str, event: &Event, at: &mut Moment) -> Then {
        let taken = match event.event.as_str() {
            "accepted" => wire::read::<Accepted>(&event.data).and_then(|it| self.accepted(conversation_id, it, at)),
            "queued" => wire::read::<InLine>(&event.data).and_then(|it| self.waits_in_line(conversation_id, &it)),
            "delta" => wire::read::<Delta>(&event.data).and_then(|it| self.grew(conversation_id, &it)),
            "done" => wire::read::<Done>(&event.data).and_then(|it| self.done(conversation_id, it, at)),
            "error" => wire::read::<Problem>(&event.data).map(|it| self.broke(conversation_id, it, at)),
            // A newer server may say more.
            _ => Some(Then::Read),
        };
        taken.unwrap_or_else(|| Then::Again(ChatErrorDetail::malformed_reply()))
    }

    /// `None`, here and below: not what was agreed.
    fn accepted(&mut self, conversation_id: &str, event: Accepted, at: &mut Moment) -> Option<Then> {
        let Accepted {
            turn,
            conversation,
            user_message,
            usage,
        } = event;
        let version = self.next_version();
        let live = self.live(conversation_id).filter(|live| live.turn_id == turn.id)?;
        let in_place = user_message
            .as_ref()
            .is_none_or(|message| message.conversation_id == conversation_id);
        if conversation.as_ref().is_some_and(|it| it.id != conversation_id) || !in_place {
            return None;
        }
        live.trigger = turn.trigger;
        live.answer_id = Some(turn.answer_id);
        live.version = version;
        let (stop_wanted, news) = (live.stop_wanted, !live.accepted);
        self.set_accepted(conversation_id, true);
        if let Some(talk) = self.talks.get_mut(conversation_id) {
            talk.yields.reset();
        }
        if let Some(message) = user_message {
            self.take_message(message, None, at);
        }
        if let Some(conversation) = conversation {
            self.set_conversation(conversation);
        }
        self.change(conversation_id);
        self.learn_usage(usage, None, at.now);
        if news {
            self.tell_conversation(conversation_id);
        }
        if stop_wanted {
            self.ask_to_stop(conversation_id, 0, at);
        }
        Some(Then::Read)
    }

    /// The provider is busy: others go first.
    fn waits_in_line(&mut self, conversation_id: &str, event: &InLine) -> Option<Then> {
        let live = self
            .live(conversation_id)
            .filter(|live| live.turn_id == event.turn_id)?;
        live.position = Some(event.position);
        self.change(conversation_id);
        Some(Then::Read)
    }

    fn grew(&mut self, conversation_id: &str, delta: &Delta) -> Option<Then> {
        let version = self.next_version();
        let live = self
            .live(conversation_id)
            .filter(|live| live.turn_id == delta.turn_id)?;
        let offset = usize::try_from(delta.offset).ok()?;
        if offset > live.answer.len() {
            // Something in between was lost.
            return Some(Then::Again(ChatErrorDetail::network()));
        }
        let known = live.answer.get(offset..)?;
        if known.starts_with(&delta.text) {
            return Some(Then::Read);
        }
        if offset + delta.text.len() > MAX_ANSWER_BYTES {
            return None;
        }
        let waited = live.position.take().is_some() || live.answer.is_empty();
        live.answer.truncate(offset);
        live.answer.push_str(&delta.text);
        live.version = version;
        live.backoff.reset();
        match waited {
            true => self.change(conversation_id),
            false => self.note_change(conversation_id),
        }
        Some(Then::Read)
    }

    fn done(&mut self, conversation_id: &str, event: Done, at: &mut Moment) -> Option<Then> {
        let Done { turn, message, usage } = event;
        self.live(conversation_id).filter(|live| live.turn_id == turn.id)?;
        if message.conversation_id != conversation_id {
            return None;
        }
        self.end_live(conversation_id);
        let ended_at = message.created_at;
        let replaces = turn.trigger == Trigger::RegenerateMessage;
        let last = self
            .threads
            .peek(conversation_id)
            .and_then(|thread| thread.pages.messages().next_back());
        // What stands between the last message here and this one is not known here, and may be what was replaced.
        let adjoins = last.is_some_and(|last| last.seq.checked_add(1) == Some(message.seq));
        self.take_message(message, turn.replaces_seq, at);
        self.touch_message(conversation_id, &turn.id);
        self.acknowledge(&turn.id);
        self.drop_hold(&turn.id);
        self.learn_usage(usage, None, at.now);
        if let Some(conversation) = self.conversation_of(conversation_id).cloned() {
            let updated_at = conversation.updated_at.max(ended_at);
            self.set_conversation(Conversation {
                updated_at,
                ..conversation
            });
        }
        self.tell_conversation(conversation_id);
        let thread = self.threads.peek(conversation_id);
        let asked = thread.is_some_and(|thread| thread.pages.get(&turn.id).is_some());
        let whole = if replaces { adjoins } else { asked };
        if !whole || !self.threads.is_fresh(conversation_id, at.now) {
            self.fetch_latest(conversation_id, at);
        }
        self.pump(conversation_id, at);
        Some(Then::End)
    }

    fn broke(&mut self, conversation_id: &str, mut problem: Problem, at: &mut Moment) -> Then {
        if let Some(usage) = problem.usage.take() {
            self.learn_usage(usage, None, at.now);
        }
        let released = problem.code == ProblemCode::ProviderUnavailable;
        let passing = retryable(&Failure::Problem(problem.code)) == Retryable::Backoff;
        if passing && !released {
            // The stream is in trouble; the turn may be well.
            return Then::Again(self.detail_of(problem, self.there(at.now)));
        }
        if let Some(turn_id) = self.live(conversation_id).map(|live| live.turn_id.clone()) {
            self.note_denial(&turn_id, &problem);
            if released {
                // The server has taken the message out of the conversation again.
                self.threads
                    .mutate(conversation_id, |thread| thread.pages.remove(&turn_id));
            }
        }
        let error = self.detail_of(problem, self.there(at.now));
        self.turn_failed(conversation_id, error, at);
        Then::End
    }
}
