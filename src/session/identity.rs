//! Who is signed in. The app owns the tokens; the client asks for one when it needs one.

use crate::outbox::OutboxState;
use crate::problem::{ChatErrorCode, ChatErrorDetail};

use super::account::Account;
use super::token::Claims;
use super::{Effect, Moment, Session};

/// What is known of who is signed in.
#[derive(Default)]
pub(super) struct Identity {
    /// The last token and what it says, until it is refused.
    held: Option<(String, Claims)>,
    /// The app has been asked and has not answered.
    asked: bool,
    /// The number of the last ask.
    pub(super) ask: u32,
    /// The app said that nobody is signed in, or the server refused its token twice.
    pub(super) signed_out: bool,
    /// The user whose state this session holds.
    pub(super) user_id: Option<String>,
}

impl Identity {
    /// Whether a request may set out, perhaps after asking for a token.
    pub(super) fn may_send(&self) -> bool {
        !self.asked && !self.signed_out
    }

    /// Whether an answer is to the question that stands; if so, it stands no more.
    pub(super) fn answers(&mut self, ask: u32) -> bool {
        let answers = self.asked && self.ask == ask;
        self.asked &= !answers;
        answers
    }
}

impl Session {
    /// The app signed in, out or refreshed: asks anew.
    pub fn access_token_changed(&mut self) {
        if !self.disposed {
            self.identity.held = None;
            self.identity.asked = false;
            self.ask_token(false);
        }
    }

    /// Signs out: nothing of this user stays here or in storage. Returns how many unsent messages were dropped.
    pub fn sign_out(&mut self) -> u32 {
        let unsent = self.unsent_count();
        self.tell_sign_out();
        if let Some(user_id) = self.identity.user_id.clone() {
            self.effects.push(Effect::Forget { user_id });
        }
        self.forget_signed_out();
        unsent
    }

    /// Nothing of the user stays here; what is in storage is the tab's to clear in which it was asked for.
    pub(super) fn forget_signed_out(&mut self) {
        self.forget_user();
        self.identity = Identity {
            signed_out: true,
            ask: self.identity.ask,
            ..Identity::default()
        };
    }

    pub(super) fn ask_token(&mut self, refresh: bool) {
        if !self.identity.asked {
            self.identity.asked = true;
            self.identity.ask = self.identity.ask.wrapping_add(1);
            self.effects.push(Effect::AskToken {
                ask: self.identity.ask,
                refresh,
            });
        }
    }

    /// The token to send with; asks for one when there is none that will do.
    pub(super) fn token(&mut self, at: &Moment) -> Option<String> {
        if !self.identity.may_send() {
            return None;
        }
        let there = self.there(at.now);
        match &self.identity.held {
            Some((token, claims)) if !claims.expired(there) => Some(token.clone()),
            _ => {
                self.ask_token(false);
                None
            }
        }
    }

    /// The server refused the token.
    pub(super) fn token_refused(&mut self) {
        self.identity.held = None;
        self.ask_token(true);
    }

    pub(super) fn signed_in(&mut self, token: String, at: &mut Moment) {
        let Some(mut claims) = Claims::of(&token) else {
            self.end_of_session(ChatErrorDetail::new(
                ChatErrorCode::Unauthenticated,
                "The app gave an access token that cannot be read. Sign in again.",
            ));
            return;
        };
        // A token fresh from the app is tried whatever this machine's clock says: the server knows better.
        claims.trust_until_refused_if_expired(self.there(at.now));
        let user_id = claims.sub.clone();
        self.identity.held = Some((token, claims));
        self.identity.signed_out = false;
        self.account.error = None;
        self.changed_account = true;
        if self.identity.user_id.as_deref() != Some(&user_id) {
            self.begin_user(user_id);
        }
        if self.account.is_untouched() {
            self.fetch_account(at);
            self.fetch_conversations(at);
        }
        self.flush(at);
        self.look_again(at);
        self.pump_all(at);
    }

    pub(super) fn token_failed(&mut self, why: &str, at: &mut Moment) {
        let message = ["The app could not get an access token: ", why].concat();
        let mut detail = ChatErrorDetail::new(ChatErrorCode::Network, message);
        detail.retryable = true;
        self.waiting_failed(detail, at);
    }

    /// Nobody is signed in any more, or not validly: what is shown stays, what was typed waits for a new sign-in.
    pub(super) fn end_of_session(&mut self, error: ChatErrorDetail) {
        self.identity.held = None;
        self.identity.signed_out = true;
        self.drop_requests();
        for turn_id in self.outbox.turns(&|entry| entry.is_sending()) {
            self.set_state(&turn_id, OutboxState::Queued);
        }
        self.end_all_live();
        self.account.error = Some(error);
        self.change_all();
    }

    /// Another user than before, or the first.
    fn begin_user(&mut self, user_id: String) {
        if self.identity.user_id.is_some() {
            self.set_unstored_aside();
            self.forget_user();
        }
        // What was typed before anybody knew who types is theirs.
        self.identity.user_id = Some(user_id.clone());
        for turn_id in self.outbox.turns(&|_| true) {
            self.outbox.update(&turn_id, |entry| entry.user_id.clone_from(&user_id));
            self.store(&turn_id);
        }
        self.take_unstored_back(&user_id);
        self.effects.push(Effect::LoadOutbox { user_id });
        self.tell_hello();
        self.change_all();
    }

    fn end_all_live(&mut self) {
        for conversation_id in self.talks.keys().to_vec() {
            self.end_live(&conversation_id);
        }
    }

    /// Drops everything in memory that belongs to the user. Who looks at what stays known.
    fn forget_user(&mut self) {
        self.drop_requests();
        self.end_all_live();
        self.account = Account {
            skew: self.account.skew,
            ..Account::default()
        };
        self.threads.clear();
        self.outbox = crate::outbox::Outbox::new();
        self.row_versions = crate::table::Table::default();
        self.holds = crate::usage::Holds::default();
        self.others.forget_holds();
        for talk in self.talks.values_mut() {
            *talk = super::Talk {
                looks: talk.looks,
                ..super::Talk::default()
            };
        }
        self.change_all();
        self.identity.user_id = None;
    }
}
