//! Which servers answer. After a row of failures nothing more goes to one for a while; then a single request probes.

use crate::Millis;
use crate::problem::{ChatErrorDetail, ProblemCode};
use crate::retry::{Breaker, Failure};

use super::Session;
use super::io::Base;
use super::requests::Purpose;

/// A breaker for each server.
#[derive(Default)]
pub(super) struct Endpoints {
    project: Breaker,
    functions: Breaker,
}

impl Endpoints {
    fn breaker(&mut self, base: Base) -> &mut Breaker {
        match base {
            Base::Project => &mut self.project,
            Base::Functions => &mut self.functions,
        }
    }
}

impl Session {
    /// Whether a request may go there now; if not, when the next one may try.
    pub(super) fn may_go(&mut self, base: Base, now: Millis) -> Result<(), Millis> {
        let breaker = self.endpoints.breaker(base);
        let retry_at = breaker.retry_at().unwrap_or(now);
        if breaker.allow(now) { Ok(()) } else { Err(retry_at) }
    }

    /// It answered: what was held back goes.
    pub(super) fn endpoint_answers(&mut self, base: Base) {
        self.endpoints.breaker(base).succeeded();
        self.requests.let_go(base);
    }

    /// What a failure says of the server it came from.
    pub(super) fn endpoint_failed(&mut self, base: Base, failure: &Failure, now: Millis) {
        match failure {
            // The device's own trouble.
            Failure::Offline => {}
            Failure::Network
            | Failure::MalformedReply
            | Failure::Problem(ProblemCode::Unavailable | ProblemCode::Internal) => {
                self.endpoints.breaker(base).failed(now);
            }
            Failure::Problem(_) => self.endpoint_answers(base),
        }
    }

    /// What is read waits for its server to answer again, maybe for long: that is said meanwhile.
    pub(super) fn tell_held_back(&mut self, purpose: &Purpose) {
        match purpose {
            Purpose::Account | Purpose::Conversations { .. } => {
                self.account.error = Some(ChatErrorDetail::network());
                self.changed_account = true;
            }
            Purpose::Latest(conversation_id) | Purpose::Older { conversation_id, .. } => {
                self.reading_failed(conversation_id, ChatErrorDetail::network());
            }
            _ => {}
        }
    }

    /// Another network, perhaps: both are tried.
    pub(super) fn try_all_endpoints(&mut self) {
        self.endpoint_answers(Base::Project);
        self.endpoint_answers(Base::Functions);
    }
}
