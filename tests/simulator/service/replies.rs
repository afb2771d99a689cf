//! Replies that come in one piece, problems among them.

use production_chat::Millis;
use production_chat::problem::{Problem, ProblemCode};
use serde::Serialize;
use serde_json::json;

use super::Service;

/// The head of a reply. What a stream says follows as [`Said`].
pub enum Answer {
    Whole {
        status: u16,
        content_type: &'static str,
        retry_after: Option<String>,
        body: String,
        usage: Option<(String, u64)>,
    },
    Stream,
}

impl Service {
    pub(super) fn reply(&self, body: &impl Serialize, usage: Option<(String, u64)>) -> Answer {
        whole(200, "application/json", serde_json::to_string(body).unwrap(), usage)
    }
}

pub(super) fn whole(status: u16, content_type: &'static str, body: String, usage: Option<(String, u64)>) -> Answer {
    Answer::Whole {
        status,
        content_type,
        retry_after: None,
        body,
        usage,
    }
}

/// A problem as the edge function answers it.
pub fn refusal(problem: Problem) -> Answer {
    Answer::Whole {
        status: problem.status,
        content_type: "application/problem+json",
        retry_after: problem.retry_after.map(|seconds| seconds.to_string()),
        usage: problem
            .usage
            .as_ref()
            .map(|usage| (usage.organization.id.clone(), usage.version)),
        body: serde_json::to_string(&problem).unwrap(),
    }
}

pub(super) fn denied(verdict: production_chat::quota::Verdict, now: Millis) -> Problem {
    let lasting = verdict.reason.is_some_and(|reason| !reason.lifts_with_time());
    let (code, status) = if lasting {
        (ProblemCode::NotAllowed, 403)
    } else {
        (ProblemCode::QuotaExceeded, 429)
    };
    let retry_after = verdict
        .retry_at
        .filter(|_| !lasting)
        .map(|at| at.saturating_sub(now).div_ceil(1_000).max(1));
    Problem {
        violations: verdict.violations.clone(),
        verdict: Some(verdict),
        retry_after,
        ..Problem::new(code, status, "A limit is reached.")
    }
}

pub(super) fn unknown_to_postgrest() -> Answer {
    let body = json!({ "code": "PT404", "message": "Unknown conversation.", "details": null, "hint": null });
    whole(404, "application/json", body.to_string(), None)
}
