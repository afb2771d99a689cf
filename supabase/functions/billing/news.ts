// What an event of Stripe means for licences.

import type Stripe from "stripe";
import { validate } from "uuid";

/** What to call with what. */
export type News =
  | {
    rpc: "record_subscription";
    args: Record<"p_subscription_id" | "p_status" | "p_told_at", string> & { p_price_ids: string[] };
  }
  | { rpc: "claim_subscription"; args: Record<"p_subscription_id" | "p_org_id" | "p_user_id", string> };

/** Null: nothing follows from it. */
export function newsOf(event: Stripe.Event): News | null {
  switch (event.type) {
    case "customer.subscription.created":
    case "customer.subscription.updated":
    case "customer.subscription.deleted":
    case "customer.subscription.paused":
    case "customer.subscription.resumed": {
      const { id, status, items } = event.data.object;
      return {
        rpc: "record_subscription",
        args: {
          p_subscription_id: id,
          p_status: status,
          p_price_ids: items.data.map(({ price }) => price.id),
          p_told_at: new Date(toldAt(event)).toISOString(),
        },
      };
    }
    case "checkout.session.completed": {
      const { subscription, client_reference_id } = event.data.object;
      const seat = seatOf(client_reference_id);
      if (subscription === null || seat === null) return null;
      const id = typeof subscription === "string" ? subscription : subscription.id;
      return { rpc: "claim_subscription", args: { p_subscription_id: id, ...seat } };
    }
    default:
      return null;
  }
}

/** Milliseconds since the epoch. Stripe counts in seconds, and what follows a creation often comes in the same one. */
function toldAt({ type, created }: Stripe.Event): number {
  return created * 1000 - (type === "customer.subscription.created" ? 1 : 0);
}

/** `<user>` for a personal plan, `<organization>_<user>` for a seat in a team; null for what another product sells. */
function seatOf(reference: string | null): { p_org_id: string; p_user_id: string } | null {
  const ids = (reference ?? "").split("_");
  const [org, user] = ids.length === 1 ? [ids[0], ids[0]] : ids;
  if (ids.length > 2 || !validate(org) || !validate(user)) return null;
  return { p_org_id: String(org), p_user_id: String(user) };
}
