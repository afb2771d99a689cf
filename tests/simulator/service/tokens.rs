//! The tokens that were given out, and whose they are.

use production_chat::Millis;
use serde_json::json;

use super::Service;

/// A token the app was given.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) user: String,
    pub(super) expires_at: Millis,
}

impl Service {
    /// A token for a user.
    pub fn grant(&mut self, user: &str, lasts: Millis) -> String {
        let expires_at = self.law.now + lasts;
        let number = self.grants.len();
        let claims = json!({ "sub": user, "exp": expires_at / 1_000, "n": number }).to_string();
        let token = format!("head.{}.{number}", base64url(claims.as_bytes()));
        let grant = Grant {
            user: user.to_owned(),
            expires_at,
        };
        self.grants.insert(token.clone(), grant);
        token
    }

    /// Whom a token was given to.
    pub fn user_of(&self, token: &str) -> Option<String> {
        self.grants.get(token).map(|grant| grant.user.clone())
    }
}

fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            text.push(char::from(LETTERS[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}
