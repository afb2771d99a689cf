use crate::fixtures::NOON;
use production_chat::problem::ProblemCode;
use production_chat::retry::{Backoff, Breaker, Failure, Retryable, parse_retry_after, retryable};
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn quota_denials_are_never_retried_by_themselves() {
    assert_eq!(
        retryable(&Failure::Problem(ProblemCode::QuotaExceeded)),
        Retryable::AtRetryAt
    );
    assert_eq!(retryable(&Failure::Problem(ProblemCode::NotAllowed)), Retryable::Never);
    assert_eq!(
        retryable(&Failure::Problem(ProblemCode::Unavailable)),
        Retryable::Backoff
    );
    assert_eq!(
        retryable(&Failure::Problem(ProblemCode::TurnInProgress)),
        Retryable::Resume
    );
    assert_eq!(retryable(&Failure::Network), Retryable::Backoff);
    assert_eq!(retryable(&Failure::Offline), Retryable::WhenOnline);
}

#[test]
fn retry_after_in_seconds() {
    assert_eq!(parse_retry_after("120", NOON), Some(NOON + 120_000));
    assert_eq!(parse_retry_after(" 0 ", NOON), Some(NOON));
    assert_eq!(parse_retry_after("99999999999999999999999", NOON), Some(u64::MAX));
}

#[test]
fn retry_after_as_a_date_in_three_forms() {
    // RFC 9110, 5.6.7; 1994-11-06T08:49:37Z.
    let at = Some(784_111_777_000);
    let then = 784_000_000_000;
    assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", then), at);
    assert_eq!(parse_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", then), at);
    assert_eq!(parse_retry_after("Sun Nov  6 08:49:37 1994", then), at);
    assert_eq!(
        parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", NOON),
        Some(NOON),
        "the past means now"
    );
    assert_eq!(
        parse_retry_after("Wednesday, 15-Jan-25 12:00:10 GMT", NOON),
        Some(NOON + 10_000)
    );
    assert_eq!(
        parse_retry_after("Monday, 15-Jan-76 12:00:00 GMT", NOON),
        Some(NOON),
        "1976, not 51 years ahead"
    );
    assert_eq!(
        parse_retry_after("Thu, 29 Feb 2024 00:00:00 GMT", 0),
        Some(1_709_164_800_000)
    );
}

#[test]
fn what_is_neither_is_none() {
    for wrong in [
        "",
        "soon",
        "-1",
        "1.5",
        "Sun, 31 Feb 2027 00:00:00 GMT",
        "Sun, 06 Nov 2094 24:00:00 GMT",
        "Sun, 06 Nov 2094 08:49:37 CET",
        "Sun, 06 Foo 2094 08:49:37 GMT",
        "Sun, 06 Nov 2094 08:49:37:11 GMT",
        "Sun, 00 Nov 2094 08:49:37 GMT",
        "Sun, 06 Nov 294 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994 GMT",
    ] {
        assert_eq!(parse_retry_after(wrong, NOON), None, "{wrong}");
    }
}

#[test]
fn backoff_doubles_up_to_its_cap_and_ends() {
    let mut backoff = Backoff::new();
    let longest: Vec<u64> = std::iter::from_fn(|| backoff.next(u32::MAX)).collect();
    assert_eq!(longest, [500, 1_000, 2_000, 4_000, 8_000]);
    assert_eq!((backoff.next(0), backoff.attempts()), (None, 5));
    backoff.reset();
    assert_eq!(backoff.next(0), Some(0));
}

#[test]
fn a_breaker_opens_probes_and_closes() {
    let mut breaker = Breaker::new();
    for _ in 0..Breaker::THRESHOLD {
        assert!(breaker.allow(NOON));
        breaker.failed(NOON);
    }
    assert_eq!(breaker.retry_at(), Some(NOON + Breaker::OPEN_FOR));
    assert!(!breaker.allow(NOON + Breaker::OPEN_FOR - 1));
    let probing = NOON + Breaker::OPEN_FOR;
    assert!(breaker.allow(probing), "the probe");
    assert!(!breaker.allow(probing + 1), "one alone");
    breaker.failed(probing + 2);
    assert!(
        !breaker.allow(probing + Breaker::OPEN_FOR),
        "the probe failed: open again"
    );
    assert!(breaker.allow(probing + 2 + Breaker::OPEN_FOR));
    breaker.succeeded();
    assert!(breaker.allow(probing) && breaker.allow(probing));
    assert_eq!(breaker.retry_at(), None);
}

#[test]
fn a_probe_without_an_outcome_lapses() {
    let mut breaker = Breaker::new();
    (0..Breaker::THRESHOLD).for_each(|_| breaker.failed(0));
    assert!(breaker.allow(Breaker::OPEN_FOR));
    assert!(!breaker.allow(2 * Breaker::OPEN_FOR - 1));
    assert!(breaker.allow(2 * Breaker::OPEN_FOR));
}

#[test]
fn single_failures_between_successes_do_not_open_it() {
    let mut breaker = Breaker::new();
    for _ in 0..100 {
        breaker.failed(NOON);
        breaker.succeeded();
    }
    assert!(breaker.allow(NOON));
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

proptest! {
    /// Counting up day by day is the oracle for the calendar.
    #[test]
    fn dates_are_read_as_they_are_written(days in 0_u64..40_000, second in 0_u64..86_400) {
        let (mut year, mut month, mut left) = (1970, 0, days);
        let length = |year: u64, month: usize| match month {
            1 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
            1 => 28,
            3 | 5 | 8 | 10 => 30,
            _ => 31,
        };
        while left >= length(year, month) {
            left -= length(year, month);
            (year, month) = if month == 11 { (year + 1, 0) } else { (year, month + 1) };
        }
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let name = MONTHS[month];
        let at = Some((days * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000);
        let time = format!("{hour:02}:{minute:02}:{second:02}");
        prop_assert_eq!(parse_retry_after(&format!("Mon, {:02} {name} {year} {time} GMT", left + 1), 0), at);
        prop_assert_eq!(parse_retry_after(&format!("Mon {name} {:2} {time} {year}", left + 1), 0), at);
    }

    #[test]
    fn no_header_is_too_much(text in "\\PC{0,40}", dateish in "[A-Z][a-z]{2},? ?[0-9]{1,2}[ -][A-Z][a-z]{2}[ -][0-9]{2,4} [0-9:]{0,9} GMT") {
        for text in [text, dateish] {
            prop_assert!(parse_retry_after(&text, NOON).is_none_or(|at| at >= NOON));
        }
    }

    #[test]
    fn pauses_are_spread_over_the_whole_range(random: u32, attempt in 0_usize..5) {
        let mut backoff = Backoff::new();
        for _ in 0..attempt {
            backoff.next(0);
        }
        let pause = backoff.next(random).unwrap();
        let ceiling = (Backoff::BASE << attempt).min(Backoff::CAP);
        prop_assert!(pause <= ceiling);
        let share = pause as f64 / (ceiling + 1) as f64;
        prop_assert!((share - f64::from(random) / 4_294_967_296.0).abs() < 0.01);
    }

    /// However it is used, an open breaker lets at most one request through in any `OPEN_FOR`.
    #[test]
    fn an_open_breaker_lets_one_probe_through(steps in vec((0_u64..20_000, any::<bool>()), 1..100)) {
        let mut breaker = Breaker::new();
        (0..Breaker::THRESHOLD).for_each(|_| breaker.failed(NOON));
        let (mut now, mut last) = (NOON, NOON);
        for (pause, fails) in steps {
            now += pause;
            if breaker.allow(now) {
                prop_assert!(now - last >= Breaker::OPEN_FOR);
                last = now;
                if fails {
                    breaker.failed(now);
                }
            }
        }
    }
}
