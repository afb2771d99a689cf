//! What was taken over all sessions. Each list names every arm there is: a new one does not compile until it is named,
//! and a run in which one never came is a failure.

use std::collections::BTreeMap;

use production_chat::problem::ChatErrorCode;
use production_chat::session::{Effect, Input};

#[derive(Debug, Clone, Default)]
pub struct Coverage {
    seen: BTreeMap<String, u64>,
}

macro_rules! arms {
    ($function:ident, $all:ident, $of:ty, $($pattern:pat => $name:literal),+ $(,)?) => {
        fn $function(it: &$of) -> &'static str {
            match it { $($pattern => $name),+ }
        }
        const $all: &[&str] = &[$($name),+];
    };
}

arms!(input, INPUTS, Input,
    Input::Token(_, Some(_)) => "input: token",
    Input::Token(_, None) => "input: nobody is signed in",
    Input::TokenFailed(..) => "input: token failed",
    Input::Reply(_) => "input: reply",
    Input::StreamOpened(_) => "input: stream opened",
    Input::Chunk(..) => "input: chunk",
    Input::StreamEnded(_) => "input: stream ended",
    Input::Lost(_) => "input: lost",
    Input::TooLarge(_) => "input: too large",
    Input::Online(true) => "input: online",
    Input::Online(false) => "input: offline",
    Input::Visible => "input: visible",
    Input::Timeout => "input: timeout",
    Input::Stored(_) => "input: stored",
    Input::StorageFailed => "input: storage failed",
    Input::Tab(_) => "input: tab",
    Input::TabEnded(_) => "input: tab ended",
);

arms!(effect, EFFECTS, Effect,
    Effect::Fetch(_) => "effect: fetch",
    Effect::Abort(_) => "effect: abort",
    Effect::AskToken { refresh: false, .. } => "effect: ask for a token",
    Effect::AskToken { refresh: true, .. } => "effect: ask for a newer token",
    Effect::LoadOutbox { .. } => "effect: load the outbox",
    Effect::Forget { .. } => "effect: forget",
    Effect::Store { .. } => "effect: store",
    Effect::Unstore { .. } => "effect: unstore",
    Effect::SetAside { .. } => "effect: set aside",
    Effect::Live { .. } => "effect: live",
    Effect::AwaitEnd { .. } => "effect: await the end of a tab",
    Effect::Tell { .. } => "effect: tell",
    Effect::Alert(_) => "effect: alert",
    Effect::Changed { .. } => "effect: changed",
);

arms!(error, ERRORS, ChatErrorCode,
    ChatErrorCode::Unauthenticated => "error: unauthenticated",
    ChatErrorCode::InvalidRequest => "error: invalid_request",
    ChatErrorCode::NotAllowed => "error: not_allowed",
    ChatErrorCode::NotFound => "error: not_found",
    ChatErrorCode::ConversationBusy => "error: conversation_busy",
    ChatErrorCode::TurnInProgress => "error: turn_in_progress",
    ChatErrorCode::IdReused => "error: id_reused",
    ChatErrorCode::QuotaExceeded => "error: quota_exceeded",
    ChatErrorCode::ProviderUnavailable => "error: provider_unavailable",
    ChatErrorCode::Unavailable => "error: unavailable",
    ChatErrorCode::Internal => "error: internal",
    ChatErrorCode::Network => "error: network",
    ChatErrorCode::Offline => "error: offline",
    ChatErrorCode::MalformedReply => "error: malformed_reply",
    ChatErrorCode::Disposed => "error: disposed",
    ChatErrorCode::SignedOut => "error: signed_out",
    ChatErrorCode::StorageFull => "error: storage_full",
);

/// Never shown, by design: a turn that is in progress is resumed, and of full storage the account tells.
const NEVER: &[&str] = &["error: turn_in_progress", "error: storage_full"];

impl Coverage {
    pub fn input(&mut self, it: &Input) {
        self.count(input(it));
    }

    pub fn effect(&mut self, it: &Effect) {
        self.count(effect(it));
    }

    pub fn error(&mut self, it: ChatErrorCode) {
        self.count(error(&it));
    }

    pub fn count(&mut self, name: &str) {
        match self.seen.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(self.seen.insert(name.to_owned(), 1)),
        }
    }

    pub fn add(&mut self, other: &Coverage) {
        for (name, count) in &other.seen {
            *self.seen.entry(name.clone()).or_insert(0) += count;
        }
    }

    /// The arms that never came, of these and of `more`.
    pub fn missing<'a>(&self, more: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let all = [INPUTS, EFFECTS, ERRORS].into_iter().flatten().copied();
        all.chain(more)
            .filter(|name| !self.seen.contains_key(*name) && !NEVER.contains(name))
            .collect()
    }

    /// What came though it never should.
    pub fn unexpected(&self) -> Vec<&'static str> {
        let never = NEVER.iter().copied();
        never.filter(|name| self.seen.contains_key(*name)).collect()
    }

    pub fn lines(&self) -> String {
        let lines = self.seen.iter().map(|(name, count)| format!("{count:>10}  {name}\n"));
        lines.collect()
    }
}
