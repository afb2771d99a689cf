// The RateLimit header fields (draft-ietf-httpapi-ratelimit-headers) of a usage snapshot.

import type { UsageSnapshot } from "./protocol.ts";

const HOUR_S = 3600;
const DAY_S = 86_400;

/** `RateLimit-Policy` and `RateLimit`: `q` quota, `w` window, `r` remaining, `t` seconds until some of it comes back. */
export function rateLimitHeaders(usage: UsageSnapshot): [string, string][] {
  const { quotas, messagesThisHour: hour, messagesToday: day } = usage;
  const hourLeft = Math.max(0, quotas.max_messages_per_hour - hour.used - hour.held);
  const dayLeft = Math.max(0, quotas.max_messages_per_day - day.used - day.held);
  const seconds = (instant: number) => Math.max(0, Math.ceil((instant - usage.serverTime) / 1000));
  const hourReset = usage.hourFreesAt[0] === undefined ? HOUR_S : seconds(usage.hourFreesAt[0]);
  return [
    [
      "RateLimit-Policy",
      `"hour";q=${quotas.max_messages_per_hour};w=${HOUR_S}, "day";q=${quotas.max_messages_per_day};w=${DAY_S}`,
    ],
    ["RateLimit", `"hour";r=${hourLeft};t=${hourReset}, "day";r=${dayLeft};t=${seconds(usage.dayResetsAt)}`],
  ];
}
