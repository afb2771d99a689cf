//! What is spent, as the server last said, aged to the present and with what is in flight here.

use crate::Millis;
use crate::cost::MicroUsd;
use crate::date::{DAY, civil_from_days, days_from_civil};
use crate::license::{License, LicenseStatus, Quotas, Tier};
use crate::table::Table;
use serde::{Deserialize, Serialize};

/// The sliding hour.
pub const HOUR: Millis = 3_600_000;
/// The server lists at most this many of the instants at which the hour frees a place.
pub const HOUR_LIST_MAX: usize = 16;

/// What counts against one limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub struct Counter {
    /// By turns that have ended.
    pub used: u64,
    /// By turns that have not.
    pub held: u64,
}

impl Counter {
    /// Used and held together; saturates.
    pub fn total(&self) -> u64 {
        self.used.saturating_add(self.held)
    }
}

/// What counts against a limit that the members of an organization share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct PooledCounter {
    /// By turns that have ended.
    pub used: u64,
    /// By turns that have not.
    pub held: u64,
    /// The pool; `null`: no limit.
    pub max: Option<u64>,
}

impl PooledCounter {
    /// What counts, without the pool's limit.
    pub fn counter(&self) -> Counter {
        Counter {
            used: self.used,
            held: self.held,
        }
    }
}

/// What a member may do in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub enum OrgRole {
    /// Owns it.
    Owner,
    /// Sees the organization's usage.
    Admin,
    /// Sees their own.
    Member,
}

/// The organization whose licence is used; a person alone has a personal one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub struct Organization {
    /// Its id; a personal organization has its user's.
    pub id: String,
    /// Its name.
    pub name: String,
    /// IANA name of the time zone its days are counted in.
    pub time_zone: String,
    /// The caller's role in it.
    pub role: OrgRole,
}

/// "What is spent", as the server last said. Carried by every reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub struct UsageSnapshot {
    /// Grows with every change of this user's usage; an older one is ignored.
    pub version: u64,
    /// The clock the limits were read with.
    pub server_time: Millis,
    /// Whose limits these are.
    pub organization: Organization,
    /// The licence in use.
    pub license: License,
    /// What it allows.
    pub quotas: Quotas,
    /// Messages of the calendar day.
    pub messages_today: Counter,
    /// Messages of the last sixty minutes.
    pub messages_this_hour: Counter,
    /// Cost of the calendar day.
    pub cost_today_micro_usd: Counter,
    /// Conversations kept; `held` is 0.
    pub conversations: Counter,
    /// Messages of the day, of all members.
    pub organization_messages_today: PooledCounter,
    /// Cost of the month, of all members.
    pub organization_cost_this_month_micro_usd: PooledCounter,
    /// Up to 16, ascending: the next instants at which the hour frees a place.
    pub hour_frees_at: Vec<Millis>,
    /// When the day's counters start again.
    pub day_resets_at: Millis,
    /// When the month's counters start again.
    pub month_resets_at: Millis,
    /// Turns the counters hold for.
    pub live_turn_ids: Vec<String>,
}

impl UsageSnapshot {
    /// Nothing spent, a plan's default quotas, days and months of UTC: assumed until the server has answered.
    pub fn fallback(tier: Tier, now: Millis) -> UsageSnapshot {
        UsageSnapshot {
            version: 0,
            server_time: now,
            organization: Organization {
                id: String::new(),
                name: String::new(),
                time_zone: "UTC".to_owned(),
                role: OrgRole::Member,
            },
            license: License {
                tier,
                status: LicenseStatus::Active,
                expires_at: None,
            },
            quotas: Quotas::of(tier),
            messages_today: Counter::default(),
            messages_this_hour: Counter::default(),
            cost_today_micro_usd: Counter::default(),
            conversations: Counter::default(),
            organization_messages_today: PooledCounter::default(),
            organization_cost_this_month_micro_usd: PooledCounter::default(),
            hour_frees_at: Vec::new(),
            day_resets_at: (now / DAY + 1) * DAY,
            month_resets_at: next_month(now),
            live_turn_ids: Vec::new(),
        }
    }

    /// The snapshot as it reads at `now`: hour departures have left, from `dayResetsAt` on the day's counters (`used`
    /// only) are 0, from `monthResetsAt` on the month's, from `expiresAt` on an active licence is expired.
    ///
    /// Ageing twice is ageing to the later instant. An instant before the snapshot changes nothing.
    pub fn aged(&self, now: Millis) -> UsageSnapshot {
        let mut aged = self.clone();
        aged.license.status = self.license.status_at(now);
        if now >= self.day_resets_at {
            aged.messages_today.used = 0;
            aged.cost_today_micro_usd.used = 0;
            aged.organization_messages_today.used = 0;
        }
        if now >= self.month_resets_at {
            aged.organization_cost_this_month_micro_usd.used = 0;
        }
        let freed = self.hour_frees_at.iter().filter(|at| **at <= now).count();
        if freed > 0 {
            aged.hour_frees_at.retain(|at| *at > now);
            let count = self.messages_this_hour.total().min(self.quotas.max_messages_per_hour);
            let left = count.saturating_sub(freed as u64);
            // Turns leave oldest first, and a turn under way is among the youngest.
            aged.messages_this_hour.held = self.messages_this_hour.held.min(left);
            aged.messages_this_hour.used = left - aged.messages_this_hour.held;
        }
        aged
    }

    /// The snapshot with the turns in flight here that the server does not count yet.
    ///
    /// A hold whose turn is in `liveTurnIds` is skipped: the server counts it. The hour's list is merged as
    /// docs/protocol.md says: it starts at the departure that brings the greater count below the limit.
    pub fn with_holds(&self, holds: &Holds) -> UsageSnapshot {
        let mut merged = self.clone();
        let list = &mut merged.hour_frees_at;
        // Beyond a list that was cut off there are departures we do not know; ours come after them.
        let is_whole = list.len() < HOUR_LIST_MAX;
        let (mut count, mut cost) = (0, 0);
        for hold in holds.unknown_to(&self.live_turn_ids) {
            count += 1;
            cost = MicroUsd::saturating_add(cost, hold.max_cost);
            if is_whole {
                let leaves_at = hold.at.saturating_add(HOUR);
                list.insert(list.partition_point(|at| *at <= leaves_at), leaves_at);
            }
        }
        let max = self.quotas.max_messages_per_hour;
        let before = self.messages_this_hour.total();
        let passed_over = before.saturating_add(count).saturating_sub(max) - before.saturating_sub(max);
        list.drain(..list.len().min(usize::try_from(passed_over).unwrap_or(usize::MAX)));
        list.truncate(HOUR_LIST_MAX);

        let hold = |held: &mut u64, more: u64| *held = held.saturating_add(more);
        hold(&mut merged.messages_today.held, count);
        hold(&mut merged.messages_this_hour.held, count);
        hold(&mut merged.organization_messages_today.held, count);
        hold(&mut merged.cost_today_micro_usd.held, cost);
        hold(&mut merged.organization_cost_this_month_micro_usd.held, cost);
        merged
    }
}

/// Quota set aside here for a turn in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The most the turn may cost.
    pub max_cost: MicroUsd,
    /// When it was sent (server's clock).
    pub at: Millis,
    /// Its conversation.
    pub conversation_id: String,
}

/// The turns in flight here, by turn id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holds(Table<String, Hold>);

impl Holds {
    /// Holds for a turn; a turn holds once, so a second call replaces the first.
    pub fn insert(&mut self, turn_id: impl Into<String>, hold: Hold) {
        self.0.insert(turn_id.into(), hold);
    }

    /// Gives a turn's hold back.
    pub fn remove(&mut self, turn_id: &str) -> Option<Hold> {
        self.0.remove(turn_id)
    }

    /// Whether a turn holds.
    pub fn contains(&self, turn_id: &str) -> bool {
        self.0.contains_key(turn_id)
    }

    /// How many turns hold.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The turns and their holds.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Hold)> {
        self.0.iter()
    }

    /// Forgets the holds of the turns the server counts itself.
    pub fn retain_unknown(&mut self, live_turn_ids: &[String]) {
        self.0.retain(|turn_id, _| !live_turn_ids.contains(turn_id));
    }

    /// The turns whose hold is `ttl` milliseconds old or older at `now`.
    pub fn expired(&self, now: Millis, ttl: Millis) -> Vec<String> {
        let old = self.0.iter().filter(|(_, hold)| now.saturating_sub(hold.at) >= ttl);
        old.map(|(turn_id, _)| turn_id.clone()).collect()
    }

    fn unknown_to<'a>(&'a self, live_turn_ids: &'a [String]) -> impl Iterator<Item = &'a Hold> {
        self.0
            .iter()
            .filter(|(turn_id, _)| !live_turn_ids.contains(turn_id))
            .map(|(_, hold)| hold)
    }
}

/// The first instant of the next calendar month, UTC.
fn next_month(now: Millis) -> Millis {
    let (year, month, _) = civil_from_days(now / DAY);
    let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days_from_civil(year, month, 1).saturating_mul(DAY)
}
