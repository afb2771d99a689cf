//! UUIDs, version 7 (RFC 9562, 5.7): ids that sort by the time they were made.

use crate::Millis;

/// Makes UUIDs, each greater than the one before, as RFC 9562, 6.2, method 2: within one millisecond (or when the clock
/// goes back) the random part is a counter with a random start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UuidGenerator {
    /// The last id without version and variant: 48 bits of time, 74 of randomness.
    last: Option<u128>,
}

const RANDOM_BITS: u32 = 74;
const TIME_MASK: u128 = (1 << 48) - 1;

impl UuidGenerator {
    /// No id was made yet.
    pub fn new() -> UuidGenerator {
        UuidGenerator::default()
    }

    /// The next id, lower case, from the clock and ten random bytes.
    pub fn next(&mut self, now: Millis, random: [u8; 10]) -> String {
        let random = random.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        // The top bit stays free, so that counting on within a millisecond has room.
        let random = random & ((1 << (RANDOM_BITS - 1)) - 1);
        let fresh = (u128::from(now) & TIME_MASK) << RANDOM_BITS | random;
        let value = match self.last {
            // A step of more than one, so that an id does not tell its neighbour.
            Some(last) if last >> RANDOM_BITS >= fresh >> RANDOM_BITS => last + 1 + (random & 0xffff_ffff),
            _ => fresh,
        };
        self.last = Some(value);
        format(value)
    }
}

/// 48 bits of time, version, 12 random bits, variant, 62 random bits.
fn format(value: u128) -> String {
    let time = (value >> RANDOM_BITS) & TIME_MASK;
    let high = (value >> 62) & 0xfff;
    let low = value & ((1 << 62) - 1);
    let bits = time << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low;
    let mut text = String::with_capacity(36);
    for place in 0..32 {
        if matches!(place, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        let digit = (bits >> (124 - 4 * place)) as u32 & 0xf;
        text.push(char::from_digit(digit, 16).unwrap_or('0'));
    }
    text
}

/// Whether a text is a UUID of any version, in lower case, as everything on the wire is.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}
