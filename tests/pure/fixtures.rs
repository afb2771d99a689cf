//! Small builders for what the tests start from.

use production_chat::Millis;
use production_chat::cost::Estimate;
use production_chat::license::Tier;
use production_chat::quota::QuotaRequest;
use production_chat::usage::{Counter, Hold, Holds, UsageSnapshot};

/// 2025-01-15T12:00:00Z.
pub const NOON: Millis = 1_736_942_400_000;

/// A draft for the executive agent in a short conversation that costs between 10 and 2,000 micro-USD.
pub fn draft() -> QuotaRequest {
    QuotaRequest {
        agent: "executive".to_owned(),
        files: 0,
        new_conversation: false,
        conversation_messages: 4,
        adds_messages: 2,
        estimate: Estimate {
            min_micro_usd: 10,
            max_micro_usd: 2_000,
            expected_micro_usd: None,
        },
    }
}

/// A snapshot at noon whose hour holds turns that leave at `departures` (ascending), listed as the server lists them.
pub fn snapshot_of_hour(tier: Tier, max: u64, held: u64, departures: &[Millis]) -> UsageSnapshot {
    let mut usage = UsageSnapshot::fallback(tier, NOON);
    let count = departures.len() as u64;
    usage.quotas.max_messages_per_hour = max;
    usage.messages_this_hour = Counter {
        used: count - held,
        held,
    };
    let skip = count.saturating_sub(max) as usize;
    usage.hour_frees_at = departures.iter().skip(skip).take(16).copied().collect();
    usage
}

/// Holds of 100 micro-USD, one for each instant.
pub fn holds_at(instants: &[Millis]) -> Holds {
    let mut holds = Holds::default();
    for (number, at) in instants.iter().enumerate() {
        let hold = Hold {
            max_cost: 100,
            at: *at,
            conversation_id: "c".to_owned(),
        };
        holds.insert(format!("local-{number}"), hold);
    }
    holds
}
