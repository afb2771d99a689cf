//! Prints random states with the crate's verdict on them, one JSON object a line: what the differential test feeds to SQL.
//!
//! `cargo run --example verdicts -- SEED COUNT`. Figures are small and close to their limits, so that every limit binds
//! in some case and just fails to bind in another.

#![allow(missing_docs, clippy::indexing_slicing)]

use production_chat::{cost::Estimate, license::*, quota::*, usage::*};
use std::io::Write;

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u64>().unwrap_or(1));
    let (seed, count) = (args.next().unwrap_or(1), args.next().unwrap_or(1000));
    let mut random = Random(seed);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for _ in 0..count {
        if writeln!(out, "{}", case(&mut random)).is_err() {
            return; // the reader has seen enough
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 ≤ n < `end`
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

const START: u64 = 1_795_000_000_000;

fn case(random: &mut Random) -> serde_json::Value {
    let mut tiers = [Tier::Free, Tier::Pro, Tier::Enterprise]
        .map(|tier| quotas(tier, random))
        .to_vec();
    let usage = usage(random, &tiers);
    if random.one_in(4) {
        tiers.remove(random.below(3) as usize);
    }
    let request = QuotaRequest {
        agent: if random.one_in(2) { "executive" } else { "coding" }.to_owned(),
        files: random.below(3) / 2,
        new_conversation: random.one_in(3),
        conversation_messages: random.below(13),
        adds_messages: random.below(2) * 2,
        estimate: {
            let min = random.below(300);
            let max = min + random.below(600);
            Estimate {
                min_micro_usd: min,
                max_micro_usd: max,
                // Whatever it is: it decides nothing.
                expected_micro_usd: random.one_in(2).then(|| random.below(2_000)),
            }
        },
    };
    let now = START + random.below(3 * HOUR);
    let basis = if random.one_in(2) {
        Basis::Browser
    } else {
        Basis::Server
    };
    let verdict = check(&request, &usage, &tiers, now, basis);
    serde_json::json!({
        "usage": usage,
        "request": request,
        "tiers": tiers,
        "now": now,
        "basis": match basis { Basis::Browser => "browser", Basis::Server => "server" },
        "verdict": verdict,
    })
}

fn quotas(tier: Tier, random: &mut Random) -> Quotas {
    let scale = 1 + tier as u64;
    let mut quotas = Quotas::of(tier);
    if random.one_in(5) {
        quotas.price_usd_per_month = 29; // equal prices: the name decides
    }
    quotas.max_messages_per_day = random.below(12) * scale;
    quotas.max_messages_per_hour = random.below(12) * scale;
    quotas.max_messages_per_conversation = random.below(14) * scale;
    quotas.max_conversations = random.below(6) * scale;
    quotas.max_cost_per_day_micro_usd = random.below(2000) * scale;
    quotas
}

fn usage(random: &mut Random, tiers: &[Quotas]) -> UsageSnapshot {
    let counter = |random: &mut Random, most: u64| Counter {
        used: random.below(most),
        held: random.below(3),
    };
    let pool = |random: &mut Random, most: u64| PooledCounter {
        used: random.below(most),
        held: random.below(3),
        max: (!random.one_in(3)).then(|| random.below(most + 4)),
    };
    let own = &tiers[random.below(3) as usize];
    let hour = counter(random, 14);
    let listed = hour.total().min(own.max_messages_per_hour).min(16);
    let mut hour_frees_at: Vec<u64> = (0..listed).map(|_| START + random.below(3 * HOUR)).collect();
    hour_frees_at.sort_unstable();
    UsageSnapshot {
        version: random.below(1000),
        server_time: START,
        license: License {
            tier: own.tier,
            status: match random.below(6) {
                0 => LicenseStatus::Suspended,
                1 => LicenseStatus::Expired,
                _ => LicenseStatus::Active,
            },
            expires_at: random.one_in(3).then(|| START + random.below(3 * HOUR)),
        },
        quotas: own.clone(),
        messages_today: counter(random, 12),
        messages_this_hour: hour,
        cost_today_micro_usd: Counter {
            used: random.below(2400),
            held: random.below(400),
        },
        conversations: Counter {
            used: random.below(7),
            held: 0,
        },
        organization_messages_today: pool(random, 12),
        organization_cost_this_month_micro_usd: pool(random, 2400),
        hour_frees_at,
        day_resets_at: START + random.below(3 * HOUR),
        month_resets_at: START + random.below(3 * HOUR),
        live_turn_ids: Vec::new(),
        ..UsageSnapshot::fallback(own.tier, START)
    }
}
