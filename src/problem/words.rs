//! Problems and denials in words a person understands: what is wrong, and what to do about it.

use super::{Problem, ProblemCode};
use crate::json;
use crate::quota::{LimitName, Verdict};

/// A problem's name on the wire and its title.
pub(super) fn describe(code: ProblemCode) -> (&'static str, &'static str) {
    match code {
        ProblemCode::Unauthenticated => ("unauthenticated", "Sign in again"),
        ProblemCode::InvalidRequest => ("invalid_request", "The request is not valid"),
        ProblemCode::NotAllowed => ("not_allowed", "Not included in the plan"),
        ProblemCode::NotFound => ("not_found", "Not found"),
        ProblemCode::ConversationBusy => ("conversation_busy", "An answer is still being written"),
        ProblemCode::TurnInProgress => ("turn_in_progress", "This message is being answered"),
        ProblemCode::IdReused => ("id_reused", "The id belongs to another message"),
        ProblemCode::QuotaExceeded => ("quota_exceeded", "A limit is reached"),
        ProblemCode::ProviderUnavailable => ("provider_unavailable", "The model is not available"),
        ProblemCode::Unavailable => ("unavailable", "Temporarily unavailable"),
        ProblemCode::Internal => ("internal", "Something broke"),
    }
}

/// A problem in words a person understands.
pub(super) fn words(problem: &Problem) -> String {
    let general = match problem.code {
        ProblemCode::Unauthenticated => "Your session has ended. Sign in again to go on.",
        ProblemCode::NotFound => "This conversation does not exist any more, or it is not yours. Choose another.",
        ProblemCode::ConversationBusy => "An answer is still being written here. Wait for it or stop it.",
        ProblemCode::TurnInProgress => "This message is being answered already. Wait for its answer.",
        ProblemCode::IdReused => "This message could not be sent as it is. Copy its text into a new one.",
        ProblemCode::ProviderUnavailable => "The model is not available. You were not charged. Try again in a moment.",
        ProblemCode::Unavailable => "The service is busy. Nothing was sent or charged. Try again in a moment.",
        ProblemCode::Internal => "Something broke on our side. Try again; your message is kept.",
        ProblemCode::InvalidRequest => match problem.errors.first() {
            Some(error) => return error.detail.clone(),
            None => "The server did not accept this. Change it and try again.",
        },
        ProblemCode::NotAllowed | ProblemCode::QuotaExceeded => match &problem.verdict {
            Some(verdict) => return denial(verdict),
            None if problem.code == ProblemCode::NotAllowed => "You may not do this. Ask the admin, or upgrade.",
            None => "A limit is reached. Wait a while, or upgrade.",
        },
    };
    // What cannot be told in general: the field that is wrong, the title that is too long.
    let is_specific = matches!(
        problem.code,
        ProblemCode::InvalidRequest | ProblemCode::NotAllowed | ProblemCode::QuotaExceeded
    );
    if is_specific && !problem.detail.is_empty() {
        problem.detail.clone()
    } else {
        general.to_owned()
    }
}

/// Why a draft may not be sent, and what to do.
pub(super) fn denial(verdict: &Verdict) -> String {
    let Some(reason) = verdict.reason else {
        return "This message may not be sent now.".to_owned();
    };
    let max = verdict
        .violations
        .iter()
        .find(|violation| violation.limit == reason)
        .map_or(0, |v| v.max);
    let max = json::digits(max);
    match reason {
        LimitName::LicenseInactive => "Your plan is not active. Renew it to go on.".to_owned(),
        LimitName::AgentNotAllowed => "Your plan does not include this agent. Choose another, or upgrade.".to_owned(),
        LimitName::FileUploadsNotAllowed => {
            "Your plan does not include attachments. Remove them, or upgrade.".to_owned()
        }
        LimitName::Conversations => [
            "You keep ",
            &max,
            " conversations, as many as your plan allows. Delete one, or upgrade.",
        ]
        .concat(),
        LimitName::ConversationLength => [
            "This conversation has reached the ",
            &max,
            " messages of your plan. Start a new one, or upgrade.",
        ]
        .concat(),
        LimitName::MessagesPerHour => [
            "You have sent the ",
            &max,
            " messages your plan allows in an hour. Wait for the next place, or upgrade.",
        ]
        .concat(),
        LimitName::MessagesPerDay => [
            "You have sent today's ",
            &max,
            " messages. Come back tomorrow, or upgrade.",
        ]
        .concat(),
        LimitName::CostPerDay => "Today's budget is spent. Come back tomorrow, or upgrade.".to_owned(),
        LimitName::OrgMessagesPerDay => [
            "Your organization has sent today's ",
            &max,
            " messages. Come back tomorrow, or ask its admin.",
        ]
        .concat(),
        LimitName::OrgBudget => {
            "Your organization's budget for this month is spent. Ask its admin, or wait for next month.".to_owned()
        }
    }
}
