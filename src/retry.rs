//! What may be retried, and when: the table, `Retry-After`, backoff with full jitter, a breaker per endpoint.

use crate::date::parse_http_date;
use crate::problem::ProblemCode;
use crate::{Millis, json};

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The device is offline.
    Offline,
    /// No reply came, or it broke off.
    Network,
    /// The reply is not what was agreed.
    MalformedReply,
    /// The server said no.
    Problem(ProblemCode),
}

/// What may be done about a failure. Every request carries its turn's id, so trying again is safe whatever arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retryable {
    /// The same request fails again.
    Never,
    /// Try again after a pause: `Retry-After` first, else [`Backoff`].
    Backoff,
    /// Try again when the device is online.
    WhenOnline,
    /// Ask for a new token, once, then try again.
    WithNewToken,
    /// Try again when the conversation's live turn has ended.
    WhenTurnEnds,
    /// Do not send again: read the live turn.
    Resume,
    /// Only at the verdict's `retryAt`, and only when the person chose to queue.
    AtRetryAt,
}

/// The one table of what may be retried.
pub fn retryable(failure: &Failure) -> Retryable {
    use ProblemCode::*;
    match failure {
        Failure::Offline => Retryable::WhenOnline,
        Failure::Network | Failure::MalformedReply => Retryable::Backoff,
        Failure::Problem(code) => match code {
            Unavailable | ProviderUnavailable | Internal => Retryable::Backoff,
            Unauthenticated => Retryable::WithNewToken,
            ConversationBusy => Retryable::WhenTurnEnds,
            TurnInProgress => Retryable::Resume,
            QuotaExceeded => Retryable::AtRetryAt,
            InvalidRequest | NotAllowed | NotFound | IdReused => Retryable::Never,
        },
    }
}

/// A server that asks for a longer pause than this is not waited for: the request has failed, and its error says when
/// trying again makes sense.
pub const LONGEST_WAIT: Millis = 120_000;

/// Reads a `Retry-After` header (RFC 9110, 10.2.3): seconds, or a date in any of the three forms of section 5.6.7.
///
/// Returns the instant from which to try again, on the clock of `now`, never before `now`; `None` when it is neither.
pub fn parse_retry_after(value: &str, now: Millis) -> Option<Millis> {
    let value = value.trim_ascii();
    match json::whole(value.as_bytes()) {
        Some(seconds) => Some(now.saturating_add(seconds.saturating_mul(1_000))),
        None => parse_http_date(value, now).map(|at| at.max(now)),
    }
}

/// Pauses between attempts: full jitter after the AWS Architecture Blog, "Exponential Backoff And Jitter".
///
/// Randomness is an argument, so a test replays exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The first pause is at most this long.
    pub const BASE: Millis = 500;
    /// No pause is longer than this.
    pub const CAP: Millis = 30_000;
    /// After this many pauses it is over.
    pub const ATTEMPTS: u32 = 5;

    /// No attempt has failed yet.
    pub fn new() -> Backoff {
        Backoff::default()
    }

    /// The pause before the next attempt in milliseconds, evenly spread over `0..=min(CAP, BASE * 2^n)` by `random`
    /// (any 32 bits); `None` after [`Backoff::ATTEMPTS`].
    pub fn next(&mut self, random: u32) -> Option<Millis> {
        if self.attempts >= Self::ATTEMPTS {
            return None;
        }
        let ceiling = (Self::BASE << self.attempts).min(Self::CAP);
        self.attempts += 1;
        Some((u64::from(random) * (ceiling + 1)) >> 32)
    }

    /// How many pauses were given.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// An attempt succeeded: the next failure starts anew.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// A circuit breaker for one endpoint: after a row of failures it refuses at once, then lets one probe through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
    /// Set while open: from when on a probe may go.
    probe_at: Option<Millis>,
}

impl Breaker {
    /// This many failures in a row open it.
    pub const THRESHOLD: u32 = 5;
    /// It stays open this long, and a probe may take this long.
    pub const OPEN_FOR: Millis = 30_000;

    /// Closed.
    pub fn new() -> Breaker {
        Breaker::default()
    }

    /// Whether a request may go at `now`. When open for long enough, the first caller gets true, as the probe; the
    /// others wait for its outcome, or for [`Breaker::OPEN_FOR`] when it has none.
    pub fn allow(&mut self, now: Millis) -> bool {
        match self.probe_at {
            None => true,
            Some(at) if now >= at => {
                self.probe_at = Some(now.saturating_add(Self::OPEN_FOR));
                true
            }
            Some(_) => false,
        }
    }

    /// When it refuses: from when on a probe may go.
    pub fn retry_at(&self) -> Option<Millis> {
        self.probe_at
    }

    /// A request succeeded: closed.
    pub fn succeeded(&mut self) {
        *self = Breaker::default();
    }

    /// A request failed: opens after [`Breaker::THRESHOLD`] in a row, at once when it was the probe.
    pub fn failed(&mut self, now: Millis) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= Self::THRESHOLD {
            self.probe_at = Some(now.saturating_add(Self::OPEN_FOR));
        }
    }
}
