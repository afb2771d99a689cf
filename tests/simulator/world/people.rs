//! Who is signed in, what the app's `accessToken` answers for them, and when the tabs hear of another.

use production_chat::Millis;
use production_chat::session::Input;

use super::{Happening, USERS, World};

impl World {
    pub fn somebody_unknown_typed(&self) -> bool {
        let unknown = |tab: usize| self.tabs[tab].session.is_some() && self.user_of_tab(tab).is_none();
        self.journal
            .typed
            .values()
            .any(|typed| unknown(typed.tab) && self.tabs[typed.tab].life == typed.life)
    }

    /// Who uses the app from now on; every tab hears of it in its own time.
    pub fn sign_in(&mut self, user: usize) {
        self.note(|| format!("user {user} signs in"));
        self.signed_in = Some(user);
        self.auth_changed();
    }

    pub fn auth_changed(&mut self) {
        self.token = None;
        for tab in 0..self.tabs.len() {
            let delay = self.dice.between(1, 2_000);
            self.later(delay, Happening::AuthChanged(tab));
        }
    }

    /// What the app's `accessToken` answers.
    pub(super) fn token_for(&mut self, ask: u32, refresh: bool) -> Input {
        if !self.quiet && self.dice.chance(self.weather.token_fails) {
            return Input::TokenFailed(ask, "The sign-in service is away.".to_owned());
        }
        let Some(user) = self.signed_in else {
            return Input::Token(ask, None);
        };
        let now = self.now;
        let good = |held: &(usize, String, Millis)| held.0 == user && held.2 > now + 30_000 && !refresh;
        let token = match self.token.clone().filter(good) {
            Some((_, token, _)) => token,
            None => {
                let lasts = self.dice.between(60_000, 3_600_000);
                let token = self.service.grant(USERS[user], lasts);
                self.token = Some((user, token.clone(), now + lasts));
                token
            }
        };
        Input::Token(ask, Some(token))
    }
}
