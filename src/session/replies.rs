//! What replies mean: those that succeeded, and those that failed for good.

use crate::Millis;
use crate::message::{Conversation, MessagePage};
use crate::problem::{ChatErrorDetail, Problem, ProblemCode};
use crate::retry::{Failure, parse_retry_after};

use super::io::{Reply, RequestId};
use super::listing::Deleted;
use super::requests::Purpose;
use super::wire;
use super::{Moment, Session};

impl Session {
    pub(super) fn replied(&mut self, reply: Reply, at: &mut Moment) {
        let Some(purpose) = self.requests.purpose(reply.id).cloned() else {
            return;
        };
        if (200..300).contains(&reply.status) {
            match self.succeeded(reply.id, &purpose, &reply.body, at) {
                Some(()) => self.endpoint_answers(purpose.base()),
                None => self.gave_nonsense(reply.id, at),
            }
            return;
        }
        let content_type = Some(reply.content_type.as_str()).filter(|value| !value.is_empty());
        let mut problem = Problem::parse(reply.status, content_type, &reply.body);
        if let Some(usage) = problem.usage.take() {
            self.learn_usage(usage, self.requests.set_out(reply.id), at.now);
        }
        // A date is of the server's clock.
        let there = self.there(at.now);
        let retry_at = reply.retry_after.and_then(|value| parse_retry_after(&value, there));
        let pause = problem.retry_after.map(|seconds| seconds.saturating_mul(1_000));
        let retry_at = retry_at.or_else(|| Some(there.saturating_add(pause?)));
        if problem.retry_after.is_none() {
            problem.retry_after = retry_at.map(|retry_at| retry_at.saturating_sub(there).div_ceil(1_000));
        }
        let retry_at = retry_at.map(|retry_at| self.here(retry_at));
        self.failed(reply.id, Failure::Problem(problem.code), Some(problem), retry_at, at);
    }

    /// A request has its reply. `None`: it is not what was agreed.
    fn succeeded(&mut self, id: RequestId, purpose: &Purpose, body: &str, at: &mut Moment) -> Option<()> {
        match purpose {
            Purpose::Account => {
                let reply = wire::parse(body)?;
                let status = wire::from_value(&reply)?;
                // Read apart: without it, or with something senseless in its place, the rest is as good.
                let learnt = reply
                    .field("calibration")
                    .and_then(wire::from_value)
                    .unwrap_or_default();
                let set_out = self.requests.set_out(id);
                self.requests.finish(id);
                self.account_read(status, learnt, set_out, at);
            }
            Purpose::Conversations { more } => {
                let page = wire::read(body)?;
                self.requests.finish(id);
                self.conversations_read(*more, page, at);
            }
            Purpose::Latest(conversation_id) => {
                let page = page_of(conversation_id, body)?;
                let set_out = self.requests.set_out(id);
                self.requests.finish(id);
                self.latest_read(conversation_id, page, set_out.unwrap_or(at.now), at);
            }
            Purpose::Older {
                conversation_id,
                cursor,
            } => {
                let page = page_of(conversation_id, body)?;
                self.requests.finish(id);
                self.older_read(conversation_id, *cursor, page);
            }
            Purpose::Rename { id: renamed, .. } => {
                let conversation = wire::read::<Conversation>(body).filter(|it| it.id == *renamed)?;
                self.requests.finish(id);
                self.renamed(conversation);
            }
            Purpose::Delete { .. } => {
                let Deleted { deleted } = wire::read(body)?;
                self.requests.finish(id);
                self.delete_answered(purpose, deleted, at);
            }
            Purpose::Stop {
                conversation_id,
                turn_id,
            } => {
                let stopped = wire::read(body)?;
                self.requests.finish(id);
                self.stop_answered(conversation_id, turn_id, stopped, at);
            }
            // A stream was agreed and none came.
            Purpose::Post { .. } | Purpose::Resume { .. } => return None,
        }
        Some(())
    }

    /// A request failed for good.
    pub(super) fn gave_out(&mut self, purpose: Purpose, failure: Failure, problem: Option<Problem>, at: &mut Moment) {
        let there = self.there(at.now);
        let code = problem.as_ref().map(|problem| problem.code);
        let live_turn = problem.as_ref().and_then(|problem| problem.turn_id.clone());
        if let (Some(problem), Purpose::Post { turn_id, .. } | Purpose::Resume { turn_id, .. }) = (&problem, &purpose) {
            self.note_denial(turn_id, problem);
        }
        let error = match (problem, failure) {
            (Some(problem), _) => self.detail_of(problem, there),
            (None, Failure::MalformedReply) => ChatErrorDetail::malformed_reply(),
            (None, Failure::Offline) => ChatErrorDetail::offline(),
            (None, _) => ChatErrorDetail::network(),
        };
        match purpose {
            Purpose::Account => self.account_unread(error),
            Purpose::Conversations { more } => self.conversations_unread(more, error),
            Purpose::Latest(conversation_id) => self.latest_unread(&conversation_id, error),
            Purpose::Older { conversation_id, .. } => self.older_unread(&conversation_id, error),
            Purpose::Rename { id, before, .. } => self.not_renamed(&id, before, error),
            Purpose::Delete { id, .. } if code == Some(ProblemCode::NotFound) => self.deleted(&id, at),
            Purpose::Delete { id, before, .. } => {
                self.not_deleted(&id, before, error);
                self.pump(&id, at);
            }
            Purpose::Stop {
                conversation_id,
                turn_id,
            } => {
                let unknown = code == Some(ProblemCode::NotFound);
                self.not_stopped(&conversation_id, &turn_id, unknown, error, at);
            }
            Purpose::Post {
                conversation_id,
                turn_id,
            } => match code {
                Some(ProblemCode::TurnInProgress) => self.resume(&conversation_id, 0, at),
                Some(ProblemCode::ConversationBusy) => self.yield_to(&conversation_id, &turn_id, live_turn, at),
                _ => self.turn_failed(&conversation_id, error, at),
            },
            Purpose::Resume {
                conversation_id,
                turn_id,
            } => match code {
                Some(ProblemCode::NotFound) => self.turn_unknown(&conversation_id, &turn_id, at),
                _ => self.turn_failed(&conversation_id, error, at),
            },
        }
    }

    /// The server's problem as a person meets it, its instants by this machine's clock.
    pub(super) fn detail_of(&self, problem: Problem, there: Millis) -> ChatErrorDetail {
        let mut detail = ChatErrorDetail::from_problem(problem, there);
        detail.retry_at = detail.retry_at.map(|at| self.here(at));
        if let Some(verdict) = &mut detail.verdict {
            verdict.retry_at = verdict.retry_at.map(|at| self.here(at));
            for violation in &mut verdict.violations {
                violation.retry_at = violation.retry_at.map(|at| self.here(at));
            }
        }
        detail
    }
}

fn page_of(conversation_id: &str, body: &str) -> Option<MessagePage> {
    wire::read::<MessagePage>(body).filter(|page| page.conversation.id == conversation_id)
}
