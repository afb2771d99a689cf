//! What went wrong: problems as the server says them (RFC 9457), and errors as a person reads them.

use crate::cost::MicroUsd;
use crate::quota::{LimitName, Verdict, Violation};
use crate::retry::{Failure, Retryable, retryable};
use crate::usage::UsageSnapshot;
use crate::{Millis, json};
use serde::{Deserialize, Serialize};
use words::{denial, describe, words};

mod codes;
mod words;

pub use codes::ChatErrorCode;

/// What a problem is, for a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub enum ProblemCode {
    /// 401: missing, expired or forged token.
    Unauthenticated,
    /// 400: a field of the request is wrong.
    InvalidRequest,
    /// 403: waiting does not lift it.
    NotAllowed,
    /// 404: unknown, deleted or another tenant's.
    NotFound,
    /// 409: another turn of the conversation is live.
    ConversationBusy,
    /// 409: this turn is live elsewhere; resume it.
    TurnInProgress,
    /// 422: the id belongs to another request.
    IdReused,
    /// 429: a limit that lifts with time.
    QuotaExceeded,
    /// 503: the model's provider failed; the hold went back.
    ProviderUnavailable,
    /// 503: the server cannot decide.
    Unavailable,
    /// 500: a defect.
    Internal,
}

/// A field of a request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the request.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

/// A problem as the server says it (RFC 9457, `application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct Problem {
    /// `urn:production-chat:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is, in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time; empty when the server did not say.
    pub detail: String,
    /// What it is, for a program.
    pub code: ProblemCode,
    /// `invalid_request`: the fields that are wrong.
    #[serde(default, deserialize_with = "json::or_empty", skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// `quota_exceeded`, `not_allowed`: the limits that bind.
    #[serde(default, deserialize_with = "json::or_empty", skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// `quota_exceeded`, `not_allowed`: the server's verdict.
    pub verdict: Option<Verdict>,
    /// Seconds to wait, as the header `Retry-After`.
    pub retry_after: Option<u64>,
    /// `conversation_busy`, `turn_in_progress`: the live turn.
    pub turn_id: Option<String>,
    /// What is spent now.
    pub usage: Option<UsageSnapshot>,
    /// The hold that went back.
    pub refunded_micro_usd: Option<MicroUsd>,
}

/// An error as a person meets it: `detail` of a thrown `ChatError`, and the value of every `error` field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct ChatErrorDetail {
    /// What it is, for a program.
    pub code: ChatErrorCode,
    /// What it is, and what to do, in words a person understands.
    pub message: String,
    /// The HTTP status, when a server answered.
    pub status: Option<u16>,
    /// When trying again may work.
    pub retry_at: Option<Millis>,
    /// Whether trying the same again may work.
    pub retryable: bool,
    /// `quota_exceeded`, `not_allowed`: the limits that bind.
    pub verdict: Option<Verdict>,
    /// `invalid_request`: the fields that are wrong.
    pub errors: Vec<FieldError>,
    /// The hold that went back.
    pub refunded_micro_usd: Option<MicroUsd>,
}

/// What matters most of a problem whose other parts cannot be read: a newer server's, or one cut down by a proxy.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Essentials {
    code: ProblemCode,
    detail: Option<String>,
    retry_after: Option<u64>,
    turn_id: Option<String>,
    refunded_micro_usd: Option<MicroUsd>,
}

/// PostgREST's error body. Our functions raise SQLSTATEs `PT` and the HTTP status, with words for a person.
#[derive(Deserialize)]
struct DatabaseError {
    code: Option<String>,
    message: String,
}

impl Problem {
    /// A problem of ours, without the optional fields.
    pub fn new(code: ProblemCode, status: u16, detail: impl Into<String>) -> Problem {
        Self::saying(code, status, detail.into())
    }

    fn saying(code: ProblemCode, status: u16, detail: String) -> Problem {
        let (name, title) = describe(code);
        Problem {
            kind: ["urn:production-chat:problem:", name].concat(),
            title: title.to_owned(),
            status,
            detail,
            code,
            errors: Vec::new(),
            violations: Vec::new(),
            verdict: None,
            retry_after: None,
            turn_id: None,
            usage: None,
            refunded_micro_usd: None,
        }
    }

    /// Reads the body of a reply that is not a success, or the data of an `error` event (`status` is then 500, in case
    /// the data does not say). Never fails: what is not a problem (a proxy's page, JSON cut short, PostgREST's
    /// `{ code, message, details, hint }`) becomes one by its status.
    pub fn parse(status: u16, content_type: Option<&str>, body: &str) -> Problem {
        let is_json = content_type.is_none_or(names_json);
        let read = if is_json { Self::from_json(status, body) } else { None };
        read.unwrap_or_else(|| Problem::new(code_of(status), status, ""))
    }

    /// Of a turn: the server has looked for it, and does not have it or has taken it back. A problem that was made of a
    /// status alone says nothing of that.
    pub fn says_it_is_not_there(&self) -> bool {
        use ProblemCode::*;
        let says = matches!(
            self.code,
            InvalidRequest | NotAllowed | NotFound | ConversationBusy | IdReused | QuotaExceeded | ProviderUnavailable
        );
        says && !self.detail.is_empty()
    }

    fn from_json(status: u16, body: &str) -> Option<Problem> {
        let body = json::parse(body)?;
        if let Some(problem) = json::from_value::<Problem>(&body) {
            return Some(problem);
        }
        if let Some(read) = json::from_value::<Essentials>(&body) {
            let mut problem = Problem::new(read.code, status, read.detail.unwrap_or_default());
            problem.retry_after = read.retry_after;
            problem.turn_id = read.turn_id;
            problem.refunded_micro_usd = read.refunded_micro_usd;
            return Some(problem);
        }
        let error = json::from_value::<DatabaseError>(&body)?;
        match error.code.as_deref().and_then(|code| code.strip_prefix("PT")) {
            Some("429") => Some(Problem::new(ProblemCode::QuotaExceeded, status, error.message)),
            Some(_) => Some(Problem::new(code_of(status), status, error.message)),
            // PostgREST's or PostgreSQL's own words are not for a person.
            None => None,
        }
    }
}

/// Whether a media type is JSON's or one built on it.
fn names_json(media_type: &str) -> bool {
    let mut pieces = media_type.as_bytes().windows(4);
    pieces.any(|piece| piece.eq_ignore_ascii_case(b"json"))
}

/// What a status means when nothing else says it.
fn code_of(status: u16) -> ProblemCode {
    match status {
        401 => ProblemCode::Unauthenticated,
        403 => ProblemCode::NotAllowed,
        404 | 410 => ProblemCode::NotFound,
        // A rate limit that is not ours: a proxy's or the platform's. It says nothing about the quota.
        408 | 425 | 429 | 502 | 503 | 504 => ProblemCode::Unavailable,
        400..=499 => ProblemCode::InvalidRequest,
        _ => ProblemCode::Internal,
    }
}

impl ChatErrorDetail {
    /// An error without the optional fields.
    pub fn new(code: ChatErrorCode, message: impl Into<String>) -> ChatErrorDetail {
        Self::saying(code, message.into())
    }

    fn saying(code: ChatErrorCode, message: String) -> ChatErrorDetail {
        ChatErrorDetail {
            code,
            message,
            status: None,
            retry_at: None,
            retryable: may_retry(code),
            verdict: None,
            errors: Vec::new(),
            refunded_micro_usd: None,
        }
    }

    /// No reply came, or it broke off.
    pub fn network() -> ChatErrorDetail {
        Self::new(
            ChatErrorCode::Network,
            "The server could not be reached. Check your connection and try again.",
        )
    }

    /// The device is offline.
    pub fn offline() -> ChatErrorDetail {
        Self::new(
            ChatErrorCode::Offline,
            "You are offline. Your message is kept and can be sent when you are back.",
        )
    }

    /// The reply is not what was agreed.
    pub fn malformed_reply() -> ChatErrorDetail {
        Self::new(
            ChatErrorCode::MalformedReply,
            "The server's answer could not be read. Try again.",
        )
    }

    /// The client was disposed of.
    pub fn disposed() -> ChatErrorDetail {
        Self::new(ChatErrorCode::Disposed, "This chat was closed. Open it again to go on.")
    }

    /// Nobody is signed in.
    pub fn signed_out() -> ChatErrorDetail {
        Self::new(ChatErrorCode::SignedOut, "You are signed out. Sign in to go on.")
    }

    /// The browser's storage takes no more.
    pub fn storage_full() -> ChatErrorDetail {
        let message = "Your browser's storage is full. Your message is kept until you close this page.";
        Self::new(ChatErrorCode::StorageFull, message)
    }

    /// A field of the draft is wrong: `pointer` is a JSON pointer (RFC 6901), `detail` says what to do.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> ChatErrorDetail {
        let error = FieldError {
            pointer: pointer.into(),
            detail: detail.into(),
        };
        let mut this = Self::new(ChatErrorCode::InvalidRequest, error.detail.clone());
        this.errors = vec![error];
        this
    }

    /// A draft that may not be sent.
    pub fn denied(verdict: Verdict) -> ChatErrorDetail {
        let waiting_helps = verdict.retry_at.is_some() || verdict.reason == Some(LimitName::MessagesPerHour);
        let code = if waiting_helps {
            ChatErrorCode::QuotaExceeded
        } else {
            ChatErrorCode::NotAllowed
        };
        let mut this = Self::new(code, denial(&verdict));
        this.retry_at = verdict.retry_at;
        this.verdict = Some(verdict);
        this
    }

    /// A problem the server said at `now` (server's clock): its `retryAfter` becomes an instant.
    pub fn from_problem(problem: Problem, now: Millis) -> ChatErrorDetail {
        let retry_at = problem
            .retry_after
            .map(|seconds| now.saturating_add(seconds.saturating_mul(1_000)));
        let mut this = Self::from(problem);
        this.retry_at = this.retry_at.or(retry_at);
        this
    }
}

impl From<Problem> for ChatErrorDetail {
    fn from(problem: Problem) -> Self {
        let mut this = Self::new(problem.code.into(), words(&problem));
        this.status = Some(problem.status);
        this.retry_at = problem.verdict.as_ref().and_then(|verdict| verdict.retry_at);
        this.verdict = problem.verdict;
        this.errors = problem.errors;
        this.refunded_micro_usd = problem.refunded_micro_usd;
        this
    }
}

impl std::fmt::Display for ChatErrorDetail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ChatErrorDetail {}

/// Whether a person who tries the same again may succeed: the retry table, and what only a client sees.
fn may_retry(code: ChatErrorCode) -> bool {
    let failure = match code {
        ChatErrorCode::Unauthenticated => Failure::Problem(ProblemCode::Unauthenticated),
        ChatErrorCode::InvalidRequest => Failure::Problem(ProblemCode::InvalidRequest),
        ChatErrorCode::NotAllowed => Failure::Problem(ProblemCode::NotAllowed),
        ChatErrorCode::NotFound => Failure::Problem(ProblemCode::NotFound),
        ChatErrorCode::ConversationBusy => Failure::Problem(ProblemCode::ConversationBusy),
        ChatErrorCode::TurnInProgress => Failure::Problem(ProblemCode::TurnInProgress),
        ChatErrorCode::IdReused => Failure::Problem(ProblemCode::IdReused),
        ChatErrorCode::QuotaExceeded => Failure::Problem(ProblemCode::QuotaExceeded),
        ChatErrorCode::ProviderUnavailable => Failure::Problem(ProblemCode::ProviderUnavailable),
        ChatErrorCode::Unavailable => Failure::Problem(ProblemCode::Unavailable),
        ChatErrorCode::Internal => Failure::Problem(ProblemCode::Internal),
        ChatErrorCode::Network => Failure::Network,
        ChatErrorCode::Offline => Failure::Offline,
        ChatErrorCode::MalformedReply => Failure::MalformedReply,
        // Signing in and making room are the person's to do; then the same message can go.
        ChatErrorCode::SignedOut | ChatErrorCode::StorageFull => return true,
        ChatErrorCode::Disposed => return false,
    };
    retryable(&failure) != Retryable::Never
}
