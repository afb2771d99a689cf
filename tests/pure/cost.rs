use production_chat::cost::{AlertLevel, Estimate, Price, alert_level, estimate, to_usd};
use proptest::prelude::*;

#[test]
fn the_guide_s_price() {
    let price = Price::from_usd_per_1k_tokens(0.002).unwrap();
    assert_eq!(price.input_micro_usd_per_million, 2_000_000);
    assert_eq!(price.output_micro_usd_per_million, 2_000_000);
    // 1,000 tokens, prompt and response: 0.002 USD.
    assert_eq!(
        estimate(400, 600, 400, &price),
        Estimate {
            min_micro_usd: 202,
            max_micro_usd: 2_000
        }
    );
    assert_eq!(format!("{:.4}", to_usd(2_000)), "0.0020");
}

#[test]
fn what_is_no_price_says_so() {
    for wrong in [-0.001, f64::NAN, f64::INFINITY, 1_000_001.0] {
        let error = Price::from_usd_per_1k_tokens(wrong).unwrap_err().to_string();
        assert!(error.contains("0.002"), "{error}");
    }
    assert_eq!(
        Price::from_usd_per_1k_tokens(0.0).unwrap().input_micro_usd_per_million,
        0
    );
}

#[test]
fn rounds_up_once() {
    let mut price = Price::from_usd_per_1k_tokens(0.0).unwrap();
    price.input_micro_usd_per_million = 150_000;
    price.output_micro_usd_per_million = 600_000;
    // 0.15 + 0.6 = 0.75: one micro-dollar, not two.
    assert_eq!(
        estimate(1, 1, 1, &price),
        Estimate {
            min_micro_usd: 1,
            max_micro_usd: 1
        }
    );
    // A byte is a token of its own, and so is the one after four.
    price.output_micro_usd_per_million = 0;
    price.input_micro_usd_per_million = 1_000_000;
    let least = |bytes| estimate(bytes, bytes, 1, &price).min_micro_usd;
    assert_eq!([0, 1, 4, 5].map(least), [0, 1, 1, 2]);
    price.input_micro_usd_per_million = 150_000;
    price.output_micro_usd_per_million = 600_000;
    // 5 bytes are two tokens: 0.3 + 0.6.
    assert_eq!(
        estimate(5, 4, 2, &price),
        Estimate {
            min_micro_usd: 1,
            max_micro_usd: 2
        }
    );
}

#[test]
fn amounts_saturate() {
    let mut price = Price::from_usd_per_1k_tokens(1.0).unwrap();
    price.input_micro_usd_per_million = u64::MAX;
    price.output_micro_usd_per_million = u64::MAX;
    assert_eq!(estimate(0, u64::MAX, u64::MAX, &price).max_micro_usd, u64::MAX);
}

#[test]
fn alert_levels() {
    assert_eq!(alert_level(79, 1, 100), AlertLevel::Ok);
    assert_eq!(alert_level(80, 1, 100), AlertLevel::Warn);
    assert_eq!(alert_level(80, 21, 100), AlertLevel::Soft);
    assert_eq!(alert_level(99, 1, 100), AlertLevel::Warn);
    assert_eq!(alert_level(100, 1, 100), AlertLevel::Hard);
    assert_eq!(alert_level(0, 0, 0), AlertLevel::Hard);
}

proptest! {
    #[test]
    fn alert_levels_only_rise(used in 0_u64..200, more in 0_u64..50, next in 0_u64..50, max in 0_u64..150) {
        prop_assert!(alert_level(used, next, max) <= alert_level(used + more, next, max));
        prop_assert!(alert_level(used, next, max) <= alert_level(used, next + more, max));
    }

    #[test]
    fn a_dearer_turn_never_costs_less(bytes in 0_u64..100_000, tokens in 1_u64..5_000, rate in 0_u64..50_000_000) {
        let mut price = Price::from_usd_per_1k_tokens(0.0).unwrap();
        price.input_micro_usd_per_million = rate;
        price.output_micro_usd_per_million = rate * 4;
        let one = estimate(bytes, bytes + 8, tokens, &price);
        let more = estimate(bytes + 1, bytes + 9, tokens + 1, &price);
        prop_assert!(one.min_micro_usd <= one.max_micro_usd);
        prop_assert!(one.min_micro_usd <= more.min_micro_usd && one.max_micro_usd <= more.max_micro_usd);
    }
}
