//! Plans, licences, and what a plan allows.

use crate::Millis;
use crate::cost::MicroUsd;
use serde::{Deserialize, Serialize};

/// A plan. The order is the order of price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub enum Tier {
    /// Costs nothing; 20 messages a day.
    Free,
    /// 29 USD a month; 500 messages a day.
    Pro,
    /// 99 USD a month; 2000 messages a day.
    Enterprise,
}

impl Tier {
    /// The plan's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Free => "free",
            Tier::Pro => "pro",
            Tier::Enterprise => "enterprise",
        }
    }
}

/// Whether a licence may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub enum LicenseStatus {
    /// It may be used.
    Active,
    /// The service has put it on hold.
    Suspended,
    /// Its time is over.
    Expired,
}

/// A user's licence in one organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct License {
    /// The plan.
    pub tier: Tier,
    /// The status when the server said it; an expiry since then is not in it.
    pub status: LicenseStatus,
    /// When it expires (milliseconds since the epoch); `null`: never.
    pub expires_at: Option<Millis>,
}

impl License {
    /// The status at `now`: an active licence is expired from `expires_at` on.
    pub fn status_at(&self, now: Millis) -> LicenseStatus {
        match (self.status, self.expires_at) {
            (LicenseStatus::Active, Some(end)) if now >= end => LicenseStatus::Expired,
            (status, _) => status,
        }
    }
}

/// A row of `license_tiers`: what a plan allows. Snake case on the wire too: these are the guide's names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct Quotas {
    /// The plan.
    pub tier: Tier,
    /// Whole US dollars a month.
    pub price_usd_per_month: u32,
    /// Messages a calendar day, in the organization's time zone.
    pub max_messages_per_day: u64,
    /// Messages in any sixty minutes.
    pub max_messages_per_hour: u64,
    /// Messages one conversation may hold, answers included.
    pub max_messages_per_conversation: u64,
    /// Conversations one may keep.
    pub max_conversations: u64,
    /// Micro-USD a calendar day.
    pub max_cost_per_day_micro_usd: MicroUsd,
    /// The longest answer, in tokens.
    pub max_output_tokens: u64,
    /// History sent along with a message, bounded in UTF-8 bytes (a byte is at most a token).
    pub context_token_budget: u64,
    /// Agents one may talk to; `null`: every agent.
    pub agents: Option<Vec<String>>,
    /// Whether files may be attached.
    pub file_uploads: bool,
    /// Whether answers stream; otherwise they arrive whole, over the same events.
    pub streaming: bool,
    /// Higher is served first.
    pub priority: i32,
    /// Whether custom integrations are included.
    pub custom_integrations: bool,
}

impl Quotas {
    /// The guide's figures for a plan, as the migrations seed them: what is assumed until the server has answered.
    pub fn of(tier: Tier) -> Quotas {
        match tier {
            Tier::Free => Quotas {
                tier,
                price_usd_per_month: 0,
                max_messages_per_day: 20,
                max_messages_per_hour: 10,
                max_messages_per_conversation: 50,
                max_conversations: 20,
                max_cost_per_day_micro_usd: 40_000,
                max_output_tokens: 300,
                context_token_budget: 1_200,
                agents: Some(vec!["executive".to_owned()]),
                file_uploads: false,
                streaming: false,
                priority: 0,
                custom_integrations: false,
            },
            Tier::Pro => Quotas {
                tier,
                price_usd_per_month: 29,
                max_messages_per_day: 500,
                max_messages_per_hour: 100,
                max_messages_per_conversation: 200,
                max_conversations: 500,
                max_cost_per_day_micro_usd: 1_000_000,
                max_output_tokens: 400,
                context_token_budget: 1_800,
                agents: None,
                file_uploads: true,
                streaming: true,
                priority: 1,
                custom_integrations: false,
            },
            Tier::Enterprise => Quotas {
                tier,
                price_usd_per_month: 99,
                max_messages_per_day: 2_000,
                max_messages_per_hour: 500,
                max_messages_per_conversation: 1_000,
                max_conversations: 5_000,
                max_cost_per_day_micro_usd: 4_000_000,
                max_output_tokens: 400,
                context_token_budget: 1_800,
                agents: None,
                file_uploads: true,
                streaming: true,
                priority: 2,
                custom_integrations: true,
            },
        }
    }
}
