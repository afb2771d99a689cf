//! Crossings: a limit of the day is at 80 %, may not fit the next message, is spent. Each is told once a day.

use serde::Serialize;

use crate::Millis;
use crate::cost::{AlertLevel, alert_level};
use crate::quota::LimitName;
use crate::usage::UsageSnapshot;

use super::{Effect, Session};

/// A limit of the day came to a level it had not reached before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct QuotaAlert {
    /// `messages_per_day` or `cost_per_day`.
    pub limit: LimitName,
    /// How near it is.
    pub level: AlertLevel,
    /// Spent or in flight: messages, or micro-USD.
    pub used: u64,
    /// The limit, in the same unit.
    pub max: u64,
}

/// What was told of a day.
pub(super) struct Told {
    /// When it ends, by the server's clock; after the last known day, never.
    day_ends_at: Millis,
    /// The highest levels.
    limits: [QuotaAlert; 2],
}

impl Session {
    /// Where the limits of the day stand. `usage` includes what is in flight.
    pub(super) fn day_limits(&self, usage: &UsageSnapshot, now: Millis) -> [QuotaAlert; 2] {
        let next_cost = self.estimate("", "", now).max_micro_usd;
        let stand = |limit, used, next, max| QuotaAlert {
            limit,
            level: alert_level(used, next, max),
            used,
            max,
        };
        let (messages, cost) = (usage.messages_today.total(), usage.cost_today_micro_usd.total());
        [
            stand(
                LimitName::MessagesPerDay,
                messages,
                1,
                usage.quotas.max_messages_per_day,
            ),
            stand(
                LimitName::CostPerDay,
                cost,
                next_cost,
                usage.quotas.max_cost_per_day_micro_usd,
            ),
        ]
    }

    /// Something was spent or set aside: tells what that crossed. As the day was first seen is no crossing, a refund and
    /// another message are not a second one; a new day or another plan begins anew.
    pub(super) fn tell_crossings(&mut self) {
        let Some(now) = self.spent_at.take() else { return };
        let there = self.there(now);
        let Some(usage) = self.account.usage.as_ref().map(|usage| usage.aged(there)) else {
            return;
        };
        let limits = self.day_limits(&self.with_holds(&usage), now);
        let day_ends_at = match usage.day_resets_at {
            end if there < end => end,
            _ => Millis::MAX,
        };
        let Some(told) = &mut self.account.told else {
            self.account.told = Some(Told { day_ends_at, limits });
            return;
        };
        let is_new_day = told.day_ends_at <= there;
        told.day_ends_at = day_ends_at;
        for (limit, told) in limits.into_iter().zip(&mut told.limits) {
            if is_new_day {
                told.level = AlertLevel::Ok;
            }
            if limit.max != told.max {
                told.level = told.level.min(limit.level);
            }
            let is_crossed = limit.level > told.level;
            *told = QuotaAlert {
                level: told.level.max(limit.level),
                ..limit
            };
            if is_crossed {
                self.effects.push(Effect::Alert(limit));
            }
        }
    }
}
