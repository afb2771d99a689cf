//! Money as integers: micro-USD, prices per 1,000,000 tokens, estimates, alert levels.
//!
//! Floats appear twice: where a person wrote a price in dollars ([`Price::from_usd_per_1k_tokens`]) and where dollars
//! are shown ([`to_usd`]). Nothing is computed with them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Millionths of a US dollar.
#[cfg_attr(target_arch = "wasm32", tsify::declare)]
pub type MicroUsd = u64;

const TOKENS_PER_PRICE: u64 = 1_000_000;

/// Dollars, for display alone.
pub fn to_usd(amount: MicroUsd) -> f64 {
    amount as f64 / 1_000_000.0
}

/// A pinned version of what a model costs, in micro-USD per 1,000,000 tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub struct Price {
    /// The model's name at its provider.
    pub model: String,
    /// Grows with every change of the price.
    pub version: u64,
    /// Tokens sent.
    pub input_micro_usd_per_million: MicroUsd,
    /// Tokens sent that the provider had cached.
    pub cached_input_micro_usd_per_million: MicroUsd,
    /// Tokens generated.
    pub output_micro_usd_per_million: MicroUsd,
}

/// A price in dollars that is not one: negative, not finite, or beyond a million dollars per 1,000 tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InvalidPrice;

impl InvalidPrice {
    /// What is wrong, and what to do. Without the number: a page would load what it takes to write floats, for this alone.
    pub const WORDS: &str =
        "the price is not one in USD per 1,000 tokens: use a number from 0 to 1,000,000, such as 0.002";
}

impl fmt::Display for InvalidPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::WORDS)
    }
}

impl std::error::Error for InvalidPrice {}

impl Price {
    /// One price for tokens in and out, from dollars per 1,000 tokens (the setting `VITE_COST_PER_1K_TOKENS`), to the
    /// nearest micro-USD per 1,000,000 tokens.
    ///
    /// # Errors
    /// [`InvalidPrice`] when `usd` is negative, not finite or above 1,000,000.
    pub fn from_usd_per_1k_tokens(usd: f64) -> Result<Price, InvalidPrice> {
        if !(0.0..=1_000_000.0).contains(&usd) {
            return Err(InvalidPrice);
        }
        // In range, so the cast is exact: at most 1e15, below 2^53.
        let rate = (usd * 1e9).round() as MicroUsd;
        Ok(Price {
            model: String::new(),
            version: 0,
            input_micro_usd_per_million: rate,
            cached_input_micro_usd_per_million: rate,
            output_micro_usd_per_million: rate,
        })
    }
}

/// What a turn may cost: at least, at most, and by what the last turns took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct Estimate {
    /// The message alone, at four bytes a token, and one token of answer.
    pub min_micro_usd: MicroUsd,
    /// Everything sent, at one byte a token, and the longest answer: what the server holds.
    pub max_micro_usd: MicroUsd,
    /// What it will cost if it is like the last turns: everything sent, at the tokens a byte took in them, and an answer
    /// of their average length; `null` while nothing was learnt from any. For display: it decides nothing.
    pub expected_micro_usd: Option<MicroUsd>,
}

/// What the last turns took, as the provider billed them: sums, which are zeros where there was none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Calibration {
    /// UTF-8 bytes of everything sent, counted as for [`Estimate::max_micro_usd`].
    pub input_bytes: u64,
    /// Tokens they were.
    pub input_tokens: u64,
    /// How many turns these are sums of.
    pub turns: u64,
    /// Tokens of their answers.
    pub output_tokens: u64,
}

/// The range a turn may cost, rounded up once (docs/protocol.md, "Estimates").
///
/// `message_bytes`: UTF-8 bytes of the message. `input_bytes_bound`: upper bound of the UTF-8 bytes of everything sent
/// (system prompt, context, message, 8 per message for the wire format). Amounts beyond `u64` saturate.
///
/// What is expected is `input_bytes_bound * byte_price + answer_price`, within the range, where
/// `byte_price = input_tokens * input_price / input_bytes` and `answer_price = output_tokens * output_price / turns`
/// are cut to millionths of a micro-USD, so that 64 bits hold what real turns multiply to.
pub fn estimate(
    message_bytes: u64,
    input_bytes_bound: u64,
    max_output_tokens: u64,
    price: &Price,
    learnt: &Calibration,
) -> Estimate {
    let (input, output) = (price.input_micro_usd_per_million, price.output_micro_usd_per_million);
    let min_micro_usd = cost_of(message_bytes.div_ceil(4), input, 1, output);
    let max_micro_usd = cost_of(input_bytes_bound, input, max_output_tokens, output);
    let byte_price = learnt
        .input_tokens
        .saturating_mul(input)
        .checked_div(learnt.input_bytes);
    let answer_price = learnt.output_tokens.saturating_mul(output).checked_div(learnt.turns);
    Estimate {
        min_micro_usd,
        max_micro_usd,
        expected_micro_usd: byte_price.zip(answer_price).map(|(byte_price, answer_price)| {
            cost_of(input_bytes_bound, byte_price, 1, answer_price)
                .max(min_micro_usd)
                .min(max_micro_usd)
        }),
    }
}

/// Two amounts, each at a price per million, rounded up once.
fn cost_of(input: u64, input_price: MicroUsd, output: u64, output_price: MicroUsd) -> MicroUsd {
    let (input, of_input) = product(input, input_price);
    let (output, of_output) = product(output, output_price);
    let rest = (of_input + of_output).div_ceil(TOKENS_PER_PRICE);
    input.saturating_add(output).saturating_add(rest)
}

/// Tokens at a price: whole micro-USD, and the millionths of one beyond them, of which there may be more than a million.
fn product(tokens: u64, price: MicroUsd) -> (MicroUsd, u64) {
    let (millions, tokens) = (tokens / TOKENS_PER_PRICE, tokens % TOKENS_PER_PRICE);
    let (each, rest) = (price / TOKENS_PER_PRICE, price % TOKENS_PER_PRICE);
    (
        millions.saturating_mul(price).saturating_add(tokens * each),
        tokens * rest,
    )
}

/// How near a limit is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub enum AlertLevel {
    /// Below 80 %.
    #[default]
    Ok,
    /// 80 % or more is spent.
    Warn,
    /// The next message may not fit.
    Soft,
    /// All is spent.
    Hard,
}

/// The alert level of a limit `max` of which `used` is spent or held, when the next message may need `next`.
pub fn alert_level(used: u64, next: u64, max: u64) -> AlertLevel {
    if used >= max {
        AlertLevel::Hard
    } else if used.saturating_add(next) > max {
        AlertLevel::Soft
    } else if reaches_80_percent(used, max) {
        AlertLevel::Warn
    } else {
        AlertLevel::Ok
    }
}

/// Whether `used` is at least 80 % of `max`; a `max` of 0 counts as reached.
pub(crate) fn reaches_80_percent(used: u64, max: u64) -> bool {
    used >= max - max / 5
}
