//! What an error is, for a program.

use serde::{Deserialize, Serialize};

use super::ProblemCode;

/// What an error is, for a program: a problem's code, or what only a client can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub enum ChatErrorCode {
    /// See [`ProblemCode::Unauthenticated`].
    Unauthenticated,
    /// See [`ProblemCode::InvalidRequest`].
    InvalidRequest,
    /// See [`ProblemCode::NotAllowed`].
    NotAllowed,
    /// See [`ProblemCode::NotFound`].
    NotFound,
    /// See [`ProblemCode::ConversationBusy`].
    ConversationBusy,
    /// See [`ProblemCode::TurnInProgress`].
    TurnInProgress,
    /// See [`ProblemCode::IdReused`].
    IdReused,
    /// See [`ProblemCode::QuotaExceeded`].
    QuotaExceeded,
    /// See [`ProblemCode::ProviderUnavailable`].
    ProviderUnavailable,
    /// See [`ProblemCode::Unavailable`].
    Unavailable,
    /// See [`ProblemCode::Internal`].
    Internal,
    /// No reply came, or it broke off.
    Network,
    /// The device is offline.
    Offline,
    /// The reply is not what was agreed.
    MalformedReply,
    /// The client was disposed of.
    Disposed,
    /// Nobody is signed in.
    SignedOut,
    /// The browser's storage takes no more.
    StorageFull,
}

impl From<ProblemCode> for ChatErrorCode {
    fn from(code: ProblemCode) -> Self {
        match code {
            ProblemCode::Unauthenticated => Self::Unauthenticated,
            ProblemCode::InvalidRequest => Self::InvalidRequest,
            ProblemCode::NotAllowed => Self::NotAllowed,
            ProblemCode::NotFound => Self::NotFound,
            ProblemCode::ConversationBusy => Self::ConversationBusy,
            ProblemCode::TurnInProgress => Self::TurnInProgress,
            ProblemCode::IdReused => Self::IdReused,
            ProblemCode::QuotaExceeded => Self::QuotaExceeded,
            ProblemCode::ProviderUnavailable => Self::ProviderUnavailable,
            ProblemCode::Unavailable => Self::Unavailable,
            ProblemCode::Internal => Self::Internal,
        }
    }
}
