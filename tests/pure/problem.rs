use crate::fixtures::{NOON, draft};
use production_chat::license::Tier;
use production_chat::problem::{ChatErrorCode, ChatErrorDetail, Problem, ProblemCode};
use production_chat::quota::{Basis, LimitName, Verdict, Violation, check};
use production_chat::usage::UsageSnapshot;
use proptest::prelude::*;

const PROBLEM: Option<&str> = Some("application/problem+json; charset=utf-8");

fn denial() -> Problem {
    let mut usage = UsageSnapshot::fallback(Tier::Free, NOON);
    usage.messages_today.used = 20;
    let verdict = check(&draft(), &usage, &[], NOON, Basis::Server);
    let mut problem = Problem::new(ProblemCode::QuotaExceeded, 429, "The messages of today are spent.");
    problem.violations = verdict.violations.clone();
    problem.verdict = Some(verdict);
    // Whole seconds, rounded up.
    problem.retry_after = Some(43_201);
    problem.usage = Some(usage);
    problem
}

#[test]
fn a_problem_is_read_as_it_is() {
    let text = serde_json::to_string(&denial()).unwrap();
    assert!(text.contains("\"type\":\"urn:production-chat:problem:quota_exceeded\""));
    assert_eq!(Problem::parse(429, PROBLEM, &text), denial());
    assert_eq!(
        Problem::parse(500, None, &text),
        denial(),
        "an error event says its own status"
    );
}

#[test]
fn missing_and_unknown_fields_do_not_matter() {
    let text = r#"{ "type": "urn:production-chat:problem:provider_unavailable", "title": "t", "status": 503,
        "detail": "d", "code": "provider_unavailable", "refundedMicroUsd": 1800, "later": [1] }"#;
    let problem = Problem::parse(503, PROBLEM, text);
    assert_eq!(
        (problem.code, problem.refunded_micro_usd),
        (ProblemCode::ProviderUnavailable, Some(1_800))
    );
    assert!(problem.errors.is_empty() && problem.usage.is_none());
}

#[test]
fn what_matters_is_kept_when_the_rest_cannot_be_read() {
    let text = r#"{ "code": "conversation_busy", "turnId": "t1", "retryAfter": 3, "usage": "none" }"#;
    let problem = Problem::parse(409, PROBLEM, text);
    assert_eq!((problem.code, problem.status), (ProblemCode::ConversationBusy, 409));
    assert_eq!((problem.turn_id.as_deref(), problem.retry_after), (Some("t1"), Some(3)));
}

#[test]
fn what_is_no_problem_becomes_one_by_its_status() {
    let html = Some("text/html");
    for (status, code) in [
        (400, ProblemCode::InvalidRequest),
        (401, ProblemCode::Unauthenticated),
        (403, ProblemCode::NotAllowed),
        (404, ProblemCode::NotFound),
        (413, ProblemCode::InvalidRequest),
        (429, ProblemCode::Unavailable),
        (500, ProblemCode::Internal),
        (502, ProblemCode::Unavailable),
        (503, ProblemCode::Unavailable),
        (504, ProblemCode::Unavailable),
        (302, ProblemCode::Internal),
        (0, ProblemCode::Internal),
    ] {
        for (content_type, body) in [
            (html, "<html>Bad gateway</html>"),
            (PROBLEM, "{\"code\":\"unav"),
            (None, ""),
        ] {
            let problem = Problem::parse(status, content_type, body);
            assert_eq!((problem.code, problem.status), (code, status));
        }
    }
}

#[test]
fn postgrest_s_errors_are_understood() {
    let json = Some("application/json");
    let ours = r#"{ "code": "PT400", "message": "The title is too long.", "details": null, "hint": null }"#;
    let error = ChatErrorDetail::from(Problem::parse(400, json, ours));
    assert_eq!(
        (error.code, error.message.as_str()),
        (ChatErrorCode::InvalidRequest, "The title is too long.")
    );
    let limit = r#"{ "code": "PT429", "message": "Too many conversations.", "details": null, "hint": null }"#;
    assert_eq!(Problem::parse(429, json, limit).code, ProblemCode::QuotaExceeded);
    let theirs =
        r#"{ "code": "22P02", "message": "invalid input syntax for type uuid", "details": null, "hint": null }"#;
    let error = ChatErrorDetail::from(Problem::parse(400, json, theirs));
    assert!(!error.message.contains("syntax"), "{}", error.message);
    let expired = r#"{ "code": "PGRST303", "message": "JWT expired", "details": null, "hint": null }"#;
    assert_eq!(Problem::parse(401, json, expired).code, ProblemCode::Unauthenticated);
}

#[test]
fn an_error_tells_when_and_what_went_back() {
    let error = ChatErrorDetail::from_problem(denial(), NOON);
    assert_eq!(
        (error.code, error.status, error.retryable),
        (ChatErrorCode::QuotaExceeded, Some(429), true)
    );
    assert_eq!(
        error.retry_at,
        error.verdict.as_ref().unwrap().retry_at,
        "the verdict knows it to the millisecond"
    );
    let mut busy = Problem::new(ProblemCode::Unavailable, 503, "busy");
    busy.retry_after = Some(2);
    busy.refunded_micro_usd = Some(7);
    let error = ChatErrorDetail::from_problem(busy, NOON);
    assert_eq!(
        (error.retry_at, error.refunded_micro_usd),
        (Some(NOON + 2_000), Some(7))
    );
}

fn verdict_of(limit: LimitName) -> Verdict {
    let retry_at = limit.lifts_with_time().then_some(NOON);
    let violation = Violation {
        limit,
        used: 20,
        held: 0,
        max: 20,
        retry_at,
    };
    Verdict {
        allowed: false,
        reason: Some(limit),
        violations: vec![violation],
        retry_at,
        soft_limit: true,
        estimate: Default::default(),
        is_stale: false,
        is_fallback: false,
        upgrade: None,
    }
}

#[test]
fn every_denial_says_what_to_do() {
    use LimitName::*;
    for limit in [
        LicenseInactive,
        AgentNotAllowed,
        FileUploadsNotAllowed,
        Conversations,
        ConversationLength,
        MessagesPerHour,
        MessagesPerDay,
        CostPerDay,
        OrgMessagesPerDay,
        OrgBudget,
    ] {
        let error = ChatErrorDetail::denied(verdict_of(limit));
        let waits = limit > ConversationLength;
        assert_eq!(error.code == ChatErrorCode::QuotaExceeded, waits, "{limit:?}");
        assert_eq!((error.retryable, error.retry_at.is_some()), (waits, waits));
        assert!(
            error.message.matches('.').count() >= 2,
            "what is wrong, and what to do: {}",
            error.message
        );
        assert!(!error.message.contains('_'), "no code: {}", error.message);
    }
}

#[test]
fn every_problem_has_words() {
    for code in [400, 401, 403, 404, 409, 422, 429, 500, 503] {
        let error = ChatErrorDetail::from(Problem::parse(code, None, ""));
        assert!(
            error.message.matches('.').count() >= 2 && !error.message.contains('_'),
            "{code}: {}",
            error.message
        );
    }
}

#[test]
fn a_field_that_is_wrong_is_named() {
    let error = ChatErrorDetail::invalid("/text", "Write something first.");
    assert_eq!(
        (error.message.as_str(), error.errors[0].pointer.as_str()),
        ("Write something first.", "/text")
    );
    assert!(!error.retryable);
}

proptest! {
    #[test]
    fn no_body_is_fatal(status: u16, body in "\\PC{0,60}", cut in 0_usize..900) {
        Problem::parse(status, None, &body);
        let text = serde_json::to_string(&denial()).unwrap();
        let problem = Problem::parse(429, PROBLEM, text.get(..cut).unwrap_or(&text));
        prop_assert!(matches!(problem.code, ProblemCode::QuotaExceeded | ProblemCode::Unavailable));
    }
}
