//! What goes wrong on the way and how often, and a list of all that can.

use production_chat::Millis;

use crate::dice::Dice;
use crate::service::Fate;

/// What goes wrong, and how often: of 1,000.
#[derive(Debug, Clone)]
pub struct Weather {
    pub lost: u64,
    pub proxy: u64,
    pub problem: u64,
    pub mangled: u64,
    pub twice: u64,
    pub cut: u64,
    pub slow: u64,
    pub token_fails: u64,
    pub fates: Vec<(u64, Fate)>,
    /// Until then nothing gets through.
    pub outage_until: Millis,
}

impl Weather {
    pub fn calm() -> Weather {
        Weather {
            lost: 0,
            proxy: 0,
            problem: 0,
            mangled: 0,
            twice: 0,
            cut: 0,
            slow: 0,
            token_fails: 0,
            fates: vec![(1, Fate::Answers)],
            outage_until: 0,
        }
    }

    pub fn of(dice: &mut Dice) -> Weather {
        let worst = dice.weighted(&[(1, 0), (3, 60), (2, 200)]);
        let mut some = |most: u64| dice.below(most + 1);
        Weather {
            lost: some(worst),
            proxy: some(worst / 3),
            problem: some(worst / 3),
            mangled: some(worst / 4),
            twice: some(worst),
            cut: some(worst * 2),
            slow: some(worst),
            token_fails: some(worst / 3),
            fates: vec![
                (30, Fate::Answers),
                (some(worst / 20), Fate::FailsBefore),
                (some(worst / 20), Fate::FailsWithin),
                (some(worst / 40), Fate::DiesBefore),
                (some(worst / 40), Fate::DiesWithin),
                (some(worst / 40), Fate::IsLate),
            ],
            outage_until: 0,
        }
    }
}

/// Every kind of trouble there is, so that a run without one is noticed.
pub const TROUBLES: &[&str] = &[
    "network: request lost",
    "network: reply lost",
    "network: sent twice",
    "network: a proxy's page",
    "network: a problem",
    "network: too large",
    "network: mangled",
    "network: cut",
    "network: cut in silence",
    "network: slow",
    "network: outage",
    "network: retry-after as a date",
];
