use production_chat::cost::{AlertLevel, Calibration, Estimate, Price, alert_level, estimate, to_usd};
use proptest::prelude::*;

/// Before any turn was billed.
const NOTHING: Calibration = Calibration {
    input_bytes: 0,
    input_tokens: 0,
    turns: 0,
    output_tokens: 0,
};

/// In micro-USD per 1,000,000 tokens.
fn price_of(input: u64, output: u64) -> Price {
    Price {
        input_micro_usd_per_million: input,
        output_micro_usd_per_million: output,
        ..Price::from_usd_per_1k_tokens(0.0).unwrap()
    }
}

#[test]
fn the_guide_s_price() {
    let price = Price::from_usd_per_1k_tokens(0.002).unwrap();
    assert_eq!(price.input_micro_usd_per_million, 2_000_000);
    assert_eq!(price.output_micro_usd_per_million, 2_000_000);
    // 1,000 tokens, prompt and response: 0.002 USD.
    assert_eq!(
        estimate(400, 600, 400, &price, &NOTHING),
        Estimate {
            min_micro_usd: 202,
            max_micro_usd: 2_000,
            expected_micro_usd: None,
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
        estimate(1, 1, 1, &price, &NOTHING),
        Estimate {
            min_micro_usd: 1,
            max_micro_usd: 1,
            expected_micro_usd: None,
        }
    );
    // A byte is a token of its own, and so is the one after four.
    price.output_micro_usd_per_million = 0;
    price.input_micro_usd_per_million = 1_000_000;
    let least = |bytes| estimate(bytes, bytes, 1, &price, &NOTHING).min_micro_usd;
    assert_eq!([0, 1, 4, 5].map(least), [0, 1, 1, 2]);
    price.input_micro_usd_per_million = 150_000;
    price.output_micro_usd_per_million = 600_000;
    // 5 bytes are two tokens: 0.3 + 0.6.
    assert_eq!(
        estimate(5, 4, 2, &price, &NOTHING),
        Estimate {
            min_micro_usd: 1,
            max_micro_usd: 2,
            expected_micro_usd: None,
        }
    );
}

#[test]
fn amounts_saturate() {
    let mut price = Price::from_usd_per_1k_tokens(1.0).unwrap();
    price.input_micro_usd_per_million = u64::MAX;
    price.output_micro_usd_per_million = u64::MAX;
    assert_eq!(
        estimate(0, u64::MAX, u64::MAX, &price, &NOTHING).max_micro_usd,
        u64::MAX
    );
}

#[test]
fn what_was_billed_tells_what_to_expect() {
    let price = price_of(150_000, 600_000);
    // A token of four bytes, and answers of 100 tokens.
    let learnt = Calibration {
        input_bytes: 4_000,
        input_tokens: 1_000,
        turns: 3,
        output_tokens: 300,
    };
    let expected = |learnt: &Calibration| estimate(500, 1_000, 400, &price, learnt).expected_micro_usd;
    // 250 tokens at 0.15 and 100 at 0.6: 97.5, rounded up once.
    assert_eq!(expected(&learnt), Some(98));
    assert_eq!(expected(&NOTHING), None);
    // Of no turn and of no byte nothing can be learnt.
    for senseless in [
        Calibration { turns: 0, ..learnt },
        Calibration {
            input_bytes: 0,
            ..learnt
        },
    ] {
        assert_eq!(expected(&senseless), None);
    }
    // Never less than the least, never more than the most.
    let least = Calibration {
        input_tokens: 0,
        output_tokens: 0,
        ..learnt
    };
    assert_eq!(expected(&least), Some(20));
    let most = Calibration {
        output_tokens: u64::MAX,
        ..learnt
    };
    assert_eq!(expected(&most), Some(390));
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
        let one = estimate(bytes, bytes + 8, tokens, &price, &NOTHING);
        let more = estimate(bytes + 1, bytes + 9, tokens + 1, &price, &NOTHING);
        prop_assert!(one.min_micro_usd <= one.max_micro_usd);
        prop_assert!(one.min_micro_usd <= more.min_micro_usd && one.max_micro_usd <= more.max_micro_usd);
    }

    #[test]
    fn what_is_expected_lies_between_and_grows_with_length(
        learnt in calibration(), input in figure(), output in figure(), context in figure(), bytes in 0_u64..16_000, more in 0_u64..16_000,
        tokens in 1_u64..5_000,
    ) {
        let price = price_of(input, output);
        let of = |bytes: u64| estimate(bytes, context.saturating_add(bytes), tokens, &price, &learnt);
        let (one, longer) = (of(bytes), of(bytes + more));
        prop_assert_eq!(one.expected_micro_usd.is_none(), learnt.turns == 0 || learnt.input_bytes == 0);
        if let (Some(expected), Some(of_longer)) = (one.expected_micro_usd, longer.expected_micro_usd) {
            prop_assert!(one.min_micro_usd <= expected && expected <= one.max_micro_usd);
            prop_assert!(expected <= of_longer);
        }
    }

    #[test]
    fn what_is_expected_is_what_the_figures_say(
        turns in 1_u64..=20, of_bytes in 1_u64..4_000_000, per_mille in 100_u64..1_000, answers in 0_u64..100_000,
        bytes in 0_u64..200_000, input in 1_u64..100_000_000, output in 1_u64..100_000_000,
    ) {
        let learnt = Calibration { input_bytes: of_bytes, input_tokens: of_bytes * per_mille / 1_000, turns, output_tokens: answers };
        let found = estimate(0, bytes, u64::MAX, &price_of(input, output), &learnt).expected_micro_usd.unwrap();
        let wide = u128::from;
        let exact = (wide(bytes) * wide(learnt.input_tokens) * wide(input) * wide(turns)
            + wide(answers) * wide(output) * wide(of_bytes))
            .div_ceil(wide(of_bytes) * wide(turns) * 1_000_000);
        // What a byte costs is cut to millionths of a micro-dollar: a micro-dollar less at most, of what one message sends.
        let exact = (exact as u64).max(output.div_ceil(1_000_000));
        prop_assert!(found == exact || found + 1 == exact, "{} {}", found, exact);
    }
}

/// Of any size, and often small.
fn figure() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..3, 0_u64..1_000_000, any::<u64>()]
}

fn calibration() -> impl Strategy<Value = Calibration> {
    (figure(), figure(), figure(), figure()).prop_map(|(input_bytes, input_tokens, turns, output_tokens)| Calibration {
        input_bytes,
        input_tokens,
        turns,
        output_tokens,
    })
}
