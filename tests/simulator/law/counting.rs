//! What is spent and held.

use super::*;

impl Law {
    pub fn usage(&self, user: &str) -> UsageSnapshot {
        let book = &self.books[user];
        let today = self.day_of(self.now);
        let mine: Vec<&Turn> = self.turns.values().filter(|turn| turn.user == user).collect();
        let counted = |turn: &&&Turn| turn.state != State::Released;
        let (mut messages, mut cost) = (Counter::default(), Counter::default());
        for turn in mine.iter().filter(counted) {
            if self.day_of(turn.created_at) == today {
                if turn.state.is_live() {
                    messages.held += 1;
                    cost.held += turn.hold;
                } else {
                    messages.used += 1;
                    cost.used += turn.cost.unwrap_or(0);
                }
            }
        }
        let mut hour: Vec<&&Turn> = mine
            .iter()
            .filter(counted)
            .filter(|turn| turn.created_at + HOUR > self.now)
            .collect();
        hour.sort_by_key(|turn| turn.created_at);
        let max = book.quotas.max_messages_per_hour as usize;
        let hour_held = hour.iter().filter(|turn| turn.state.is_live()).count() as u64;
        let skipped = (hour.len() + 1).saturating_sub(max + 1).min(hour.len());
        let first = if hour.len() >= max { skipped } else { 0 };
        let pool = |counter: Counter| PooledCounter {
            used: counter.used,
            held: counter.held,
            max: None,
        };
        let mut live: Vec<&&Turn> = mine.iter().filter(|turn| turn.state.is_live()).collect();
        live.sort_by_key(|turn| turn.created_at);
        let day_resets_at = (self.day_ends_at as i64 + (today + 1) * DAY as i64) as Millis;
        UsageSnapshot {
            version: book.version,
            server_time: self.now,
            organization: Organization {
                id: user.to_owned(),
                name: String::new(),
                time_zone: "UTC".to_owned(),
                role: OrgRole::Owner,
            },
            license: License {
                status: book.license.status_at(self.now),
                ..book.license.clone()
            },
            quotas: book.quotas.clone(),
            messages_today: messages,
            messages_this_hour: Counter {
                used: hour.len() as u64 - hour_held,
                held: hour_held,
            },
            cost_today_micro_usd: cost,
            conversations: Counter {
                used: book.conversations,
                held: 0,
            },
            organization_messages_today: pool(messages),
            organization_cost_this_month_micro_usd: pool(cost),
            hour_frees_at: hour
                .iter()
                .skip(first)
                .take(16)
                .map(|turn| turn.created_at + HOUR)
                .collect(),
            day_resets_at,
            month_resets_at: day_resets_at + 20 * DAY,
            live_turn_ids: live.iter().map(|turn| turn.id.clone()).collect(),
        }
    }
}
