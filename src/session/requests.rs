//! What is on the wire, what waits to go, what is tried again.

use crate::Millis;
use crate::message::Conversation;
use crate::problem::{ChatErrorDetail, Problem};
use crate::retry::{Backoff, Failure, LONGEST_WAIT, Retryable, retryable};
use crate::table::Table;

use super::io::{Base, Effect, RequestId};
use super::{Moment, Session, sooner};

/// No reply is waited for longer than this: what is on the wire is given up and goes again.
const DEADLINE: Millis = 60_000;

/// What a request is for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Purpose {
    /// Usage, plans, prices, agents.
    Account,
    /// The conversation list: its first page, or more of it.
    Conversations { more: bool },
    /// The latest page of a conversation.
    Latest(String),
    /// The page before `cursor`.
    Older { conversation_id: String, cursor: u64 },
    /// A new title; `before` is the old one.
    Rename { id: String, title: String, before: String },
    /// Delete; `before` is what was shown. `is_last`: it was not there at first, and may have come since.
    Delete {
        id: String,
        before: Option<Conversation>,
        is_last: bool,
    },
    /// Send a turn, and read its stream.
    Post { conversation_id: String, turn_id: String },
    /// Read the stream of a turn from where we are.
    Resume { conversation_id: String, turn_id: String },
    /// Stop a turn.
    Stop { conversation_id: String, turn_id: String },
}

impl Purpose {
    /// The server it goes to.
    pub(super) fn base(&self) -> Base {
        match self {
            Purpose::Post { .. } | Purpose::Resume { .. } | Purpose::Stop { .. } => Base::Functions,
            _ => Base::Project,
        }
    }

    /// The conversation whose stream this request carries.
    pub(super) fn stream(&self) -> Option<&str> {
        match self {
            Purpose::Post { conversation_id, .. } | Purpose::Resume { conversation_id, .. } => Some(conversation_id),
            _ => None,
        }
    }
}

struct Pending {
    purpose: Purpose,
    /// When it may go; `None`: it is on the wire.
    due: Option<Millis>,
    /// Its server does not answer: it is held back until that does, or until it is due as a probe.
    held_back: bool,
    /// When it set out, until its reply begins.
    set_out: Option<Millis>,
    /// A refused token was renewed for it.
    refreshed: bool,
    /// The ask whose token it set out with.
    ask: u32,
    backoff: Backoff,
}

/// Every request that has no outcome yet.
#[derive(Default)]
pub(super) struct Requests {
    pending: Table<RequestId, Pending>,
    last: RequestId,
}

impl Requests {
    /// When the next one may go.
    pub(super) fn next_due(&self) -> Option<Millis> {
        self.pending
            .values()
            .fold(None, |next, pending| sooner(next, pending.due))
    }

    /// What a request is for; `None` when nobody waits for it any more.
    pub(super) fn purpose(&self, id: RequestId) -> Option<&Purpose> {
        self.pending.get(&id).map(|pending| &pending.purpose)
    }

    /// When the next one has waited for its reply long enough.
    pub(super) fn next_overdue(&self) -> Option<Millis> {
        let first = self
            .pending
            .values()
            .fold(None, |first, pending| sooner(first, pending.set_out));
        first.map(|at| at.saturating_add(DEADLINE))
    }

    /// Its server does not answer.
    fn hold_back(&mut self, id: RequestId, until: Millis) {
        if let Some(pending) = self.pending.get_mut(&id) {
            (pending.due, pending.held_back) = (Some(until), true);
        }
    }

    /// A server answers: what was held back for it goes at once.
    pub(super) fn let_go(&mut self, base: Base) {
        let held_back = |pending: &&mut Pending| pending.held_back && pending.purpose.base() == base;
        for pending in self.pending.values_mut().filter(held_back) {
            (pending.due, pending.held_back) = (Some(0), false);
        }
    }

    /// Its reply has begun.
    pub(super) fn opened(&mut self, id: RequestId) {
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.set_out = None;
        }
    }

    /// Whether it has not set out.
    pub(super) fn waits(&self, id: RequestId) -> bool {
        self.pending.get(&id).is_some_and(|pending| pending.due.is_some())
    }

    /// When it went, if its reply has not begun before.
    pub(super) fn set_out(&self, id: RequestId) -> Option<Millis> {
        self.pending.get(&id)?.set_out
    }

    /// It has its outcome.
    pub(super) fn finish(&mut self, id: RequestId) -> Option<Purpose> {
        self.pending.remove(&id).map(|pending| pending.purpose)
    }
}

impl Session {
    /// Makes a request that goes after `delay` milliseconds, as soon as there are a network and a token.
    pub(super) fn issue(&mut self, purpose: Purpose, delay: Millis, at: &mut Moment) -> RequestId {
        self.requests.last = self.requests.last.wrapping_add(1);
        let id = self.requests.last;
        // At once means at once, though the clock be set back meanwhile.
        let due = Some(if delay == 0 { 0 } else { at.now.saturating_add(delay) });
        self.requests.pending.insert(
            id,
            Pending {
                purpose,
                due,
                held_back: false,
                set_out: None,
                refreshed: false,
                ask: 0,
                backoff: Backoff::new(),
            },
        );
        self.flush(at);
        id
    }

    /// Sends what is due.
    pub(super) fn flush(&mut self, at: &mut Moment) {
        let is_due = |pending: &Pending| pending.due.is_some_and(|due| due <= at.now);
        let due = self.requests.pending.keys_of(&is_due);
        if due.is_empty() || !self.is_online {
            return;
        }
        let Some(token) = self.token(at) else { return };
        for id in due {
            let Some(purpose) = self.requests.purpose(id).cloned() else {
                continue;
            };
            match self.request(id, &purpose, token.clone()) {
                Some(request) => {
                    if let Err(retry_at) = self.may_go(request.base, at.now) {
                        self.requests.hold_back(id, retry_at);
                        self.tell_held_back(&purpose);
                        continue;
                    }
                    if let Some(pending) = self.requests.pending.get_mut(&id) {
                        (pending.due, pending.held_back) = (None, false);
                        pending.set_out = Some(at.now);
                        pending.ask = self.identity.ask;
                    }
                    if let Purpose::Post { turn_id, .. } = &purpose {
                        self.keep_as_gone(turn_id);
                    }
                    self.effects.push(Effect::Fetch(request));
                }
                // What it was for is gone.
                None => drop(self.requests.finish(id)),
            }
        }
    }

    /// Gives a request up.
    pub(super) fn give_up(&mut self, id: RequestId) {
        let waits = self.requests.waits(id);
        if self.requests.finish(id).is_some() && !waits {
            self.effects.push(Effect::Abort(id));
        }
    }

    /// Gives every request up.
    pub(super) fn drop_requests(&mut self) {
        for id in self.requests.pending.keys().to_vec() {
            // What was shown as done already is taken back.
            match self.requests.purpose(id).cloned() {
                Some(Purpose::Delete { id, before, .. }) => {
                    self.not_deleted(&id, before, ChatErrorDetail::signed_out())
                }
                Some(Purpose::Rename { id, before, .. }) => {
                    self.not_renamed(&id, before, ChatErrorDetail::signed_out());
                }
                _ => {}
            }
            self.give_up(id);
        }
        for talk in self.talks.values_mut() {
            (talk.latest, talk.older) = (None, None);
        }
        (self.account.reading, self.account.listing, self.account.listing_more) = (None, None, None);
    }

    pub(super) fn lost(&mut self, id: RequestId, at: &mut Moment) {
        let failure = if self.is_online {
            Failure::Network
        } else {
            Failure::Offline
        };
        self.failed(id, failure, None, None, at);
    }

    /// What has waited for its reply too long is given up, and goes again as if it had been lost.
    pub(super) fn give_up_overdue(&mut self, at: &mut Moment) {
        let overdue = |pending: &Pending| {
            pending
                .set_out
                .is_some_and(|set_out| set_out.saturating_add(DEADLINE) <= at.now)
        };
        for id in self.requests.pending.keys_of(&overdue) {
            self.effects.push(Effect::Abort(id));
            self.lost(id, at);
        }
    }

    /// The reply cannot be used.
    pub(super) fn gave_nonsense(&mut self, id: RequestId, at: &mut Moment) {
        self.failed(id, Failure::MalformedReply, None, None, at);
    }

    /// The app could not give a token: every request that waits for one has failed once.
    pub(super) fn waiting_failed(&mut self, detail: ChatErrorDetail, at: &mut Moment) {
        self.account.error = Some(detail);
        self.changed_account = true;
        for id in self.requests.pending.keys_of(&|pending| pending.due.is_some()) {
            self.lost(id, at);
        }
    }

    /// Tries again what the table says may be tried again; the rest has failed.
    pub(super) fn failed(
        &mut self,
        id: RequestId,
        failure: Failure,
        problem: Option<Problem>,
        retry_at: Option<Millis>,
        at: &mut Moment,
    ) {
        let Some(pending) = self.requests.pending.get_mut(&id) else {
            return;
        };
        pending.set_out = None;
        let (base, went) = (pending.purpose.base(), pending.due.is_none());
        // What never went says nothing of its server.
        if went {
            self.endpoint_failed(base, &failure, at.now);
        }
        if let Some(conversation_id) = self.would_send_what_is_to_stop(id, &failure) {
            self.requests.finish(id);
            self.ask_to_stop(&conversation_id, 0, at);
            return;
        }
        let Some(pending) = self.requests.pending.get_mut(&id) else {
            return;
        };
        let random = at.random.number() as u32;
        let too_long = retry_at.is_some_and(|retry_at| retry_at > at.now.saturating_add(LONGEST_WAIT));
        let due = match retryable(&failure) {
            Retryable::WhenOnline => Some(at.now),
            Retryable::WithNewToken if !pending.refreshed => {
                pending.due = Some(at.now);
                // The token may have been renewed since, for another.
                if pending.ask == self.identity.ask {
                    pending.refreshed = true;
                    self.token_refused();
                } else {
                    self.flush(at);
                }
                return;
            }
            Retryable::WithNewToken => {
                let error = problem.map_or_else(ChatErrorDetail::signed_out, ChatErrorDetail::from);
                self.end_of_session(error);
                return;
            }
            Retryable::Backoff if too_long => None,
            Retryable::Backoff => match pending.purpose.stream().map(str::to_owned) {
                Some(conversation_id) => self.live_backoff(&conversation_id, random),
                None => pending.backoff.next(random),
            }
            .map(|pause| at.now.saturating_add(pause).max(retry_at.unwrap_or(0))),
            Retryable::Never | Retryable::WhenTurnEnds | Retryable::Resume | Retryable::AtRetryAt => None,
        };
        if let (Some(due), Some(pending)) = (due, self.requests.pending.get_mut(&id)) {
            pending.due = Some(due);
            self.flush(at);
            return;
        }
        let Some(purpose) = self.requests.finish(id) else {
            return;
        };
        self.gave_out(purpose, failure, problem, at);
    }
}
