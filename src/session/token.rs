//! What an access token says of itself. It is read, not verified: the server verifies.

use serde::Deserialize;

use crate::{Millis, json};

/// The claims the client needs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Claims {
    /// The user.
    pub(super) sub: String,
    /// When it expires, in seconds since the Unix epoch.
    #[serde(default)]
    exp: Option<u64>,
}

impl Claims {
    /// Reads the middle part of a JWT. `None` when it is not one.
    pub(super) fn of(token: &str) -> Option<Claims> {
        let (_, rest) = token.split_once('.')?;
        let payload = rest.split_once('.').map_or(rest, |(payload, _)| payload);
        json::read(&String::from_utf8_lossy(&base64url(payload)?))
    }

    /// Whether it will be refused at `now`, by the server's clock. A little early, so that it does not expire on the way.
    pub(super) fn expired(&self, now: Millis) -> bool {
        const ON_THE_WAY: Millis = 10_000;
        self.exp
            .is_some_and(|at| at.saturating_mul(1_000) <= now.saturating_add(ON_THE_WAY))
    }

    /// A token that looks expired the moment it is given is believed until the server refuses it: this machine's clock
    /// may be wrong, and asking again would go on for ever.
    pub(super) fn trust_until_refused_if_expired(&mut self, now: Millis) {
        if self.expired(now) {
            self.exp = None;
        }
    }
}

fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let mut bits: u32 = 0;
    let mut held = 0;
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(((bits >> held) & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_who_and_until_when() {
        // {"alg":"none"} . {"sub":"0190-user","exp":100}
        let claims = Claims::of("eyJhbGciOiJub25lIn0.eyJzdWIiOiIwMTkwLXVzZXIiLCJleHAiOjEwMH0.x");
        let claims = claims.unwrap_or(Claims {
            sub: String::new(),
            exp: None,
        });
        assert_eq!(claims.sub, "0190-user");
        assert!(!claims.expired(89_999));
        assert!(claims.expired(90_000));
    }

    #[test]
    fn what_is_no_token_has_no_claims() {
        for text in ["", "a", "a.b.c", "a.!.c", "..", "a.e30.c"] {
            assert_eq!(Claims::of(text), None, "{text}");
        }
    }
}
