//! UUIDs, version 7 (RFC 9562, 5.7): ids that sort by the time they were made.

use crate::Millis;

/// Makes UUIDs, each greater than the one before, as RFC 9562, 6.2, method 2: within one millisecond (or when the clock
/// goes back) the random part is a counter with a random start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UuidGenerator {
    /// The last id without version and variant: 48 bits of time and 10 random ones, then 64 random ones.
    last: Option<(u64, u64)>,
    /// The time of an id is never before this.
    earliest: Millis,
}

const TIME_MASK: u64 = (1 << 48) - 1;

impl UuidGenerator {
    /// No id was made yet.
    pub fn new() -> UuidGenerator {
        UuidGenerator::default()
    }

    /// Makes the ids to come greater than this one, which was made in an earlier life or in another tab: the clock may
    /// have been set back since. They are given the millisecond after it, however far ahead that is, for their order is
    /// what counts and nobody reads the time from an id. What is no UUIDv7 has no such order, and after the last
    /// millisecond of all none can come: these are passed over.
    pub fn follow(&mut self, id: &str) {
        if is_uuid(id) && id.as_bytes().get(14) == Some(&b'7') {
            let digits = id.bytes().filter(|digit| *digit != b'-').take(12);
            // Of a lower-case digit, letters counting on from nine.
            let value = |digit: u8| u64::from((digit & 0xf) + 9 * (digit >> 6));
            let time = digits.fold(0, |time, digit| time << 4 | value(digit));
            if time < TIME_MASK {
                self.earliest = self.earliest.max(time + 1);
            }
        }
    }

    /// The next id, lower case, from the clock and ten random bytes.
    pub fn next(&mut self, now: Millis, random: [u8; 10]) -> String {
        let [first, second, low @ ..] = random;
        let low = u64::from_be_bytes(low);
        // The top bit stays free, so that counting on within a millisecond has room.
        let high = u64::from(u16::from_be_bytes([first, second]) & 0x1ff);
        let time = now.max(self.earliest) & TIME_MASK;
        let value = match self.last {
            // A step of more than one, so that an id does not tell its neighbour.
            Some((last_high, last_low)) if last_high >> 10 >= time => {
                let (low, is_over) = last_low.overflowing_add(1 + (low & 0xffff_ffff));
                (last_high + u64::from(is_over), low)
            }
            _ => (time << 10 | high, low),
        };
        self.last = Some(value);
        format(value)
    }
}

/// 48 bits of time, version, 12 random bits; variant, 62 random bits.
fn format((high, low): (u64, u64)) -> String {
    let time_and_version = high >> 10 << 16 | 0x7 << 12 | (high & 0x3ff) << 2 | low >> 62;
    let variant_and_rest = 0b10 << 62 | low & ((1 << 62) - 1);
    let mut text = String::with_capacity(36);
    for place in 0..32 {
        if matches!(place, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        let bits = if place < 16 { time_and_version } else { variant_and_rest };
        let digit = (bits >> (60 - 4 * (place & 15))) as u32 & 0xf;
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
