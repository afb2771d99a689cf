// Stripe's webhook, signed as Stripe signs it, in every order in which Stripe may send it.

import Stripe from "stripe";
import { createApp } from "../../supabase/functions/billing/app.ts";
import { readConfig } from "../../supabase/functions/billing/env.ts";
import { assertEquals, test } from "./support/assert.ts";
import { Caller } from "./support/caller.ts";
import { sql } from "./support/database.ts";
import { env } from "./support/env.ts";
import { deadUrl, serve } from "./support/scripted.ts";

const SECRET = "whsec_of_the_tests";
const CONFIG = { supabaseUrl: env.supabaseUrl, secretKey: env.secretKey, webhookSecret: SECRET };
const NOW = 1_790_000_000;

await sql(
  "insert into public.billing_prices values ('price_pro', 'pro'), ('price_enterprise', 'enterprise') on conflict do nothing",
);

/** The function, and Stripe's side of it. */
function stripe(config = CONFIG) {
  const server = serve(createApp(config));
  async function post(body: string, signature: string): Promise<number> {
    const response = await fetch(server.url, { method: "POST", body, headers: { "stripe-signature": signature } });
    await response.body?.cancel();
    return response.status;
  }
  const sign = (payload: string, { secret = SECRET, timestamp = Math.floor(Date.now() / 1000) } = {}) =>
    Stripe.webhooks.generateTestHeaderStringAsync({
      payload,
      secret,
      timestamp,
      cryptoProvider: Stripe.createSubtleCryptoProvider(),
    });
  async function send(event: object): Promise<number> {
    const body = JSON.stringify(event);
    return await post(body, await sign(body));
  }
  return { post, sign, send, url: server.url, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

let count = 0;
const newId = (kind: string) => `${kind}_${crypto.randomUUID().slice(0, 8)}${count++}`;

/** An event as Stripe writes it; `at`: seconds after the first. */
function event(type: string, object: object, at = 0) {
  return { id: newId("evt"), object: "event", api_version: "2026-09-30", created: NOW + at, type, data: { object } };
}
const subscription = (id: string, status: string, price: string) => ({
  id,
  object: "subscription",
  customer: "cus_1",
  status,
  items: { object: "list", data: [{ id: "si_1", object: "subscription_item", price: { id: price, object: "price" } }] },
});
const checkout = (id: string, reference: string | null) =>
  event("checkout.session.completed", {
    id: newId("cs"),
    object: "checkout.session",
    mode: "subscription",
    subscription: id,
    client_reference_id: reference,
  });

async function licence(orgId: string, userId = orgId): Promise<string | undefined> {
  const [row] = await sql<{ tier: string; status: string }>(
    "select tier, status from public.user_licenses where org_id = $1 and user_id = $2",
    orgId,
    userId,
  );
  return row && `${row.tier}, ${row.status}`;
}

/** Every order of these. */
function orders<Item>(items: Item[]): Item[][] {
  if (items.length < 2) return [items];
  return items.flatMap((item, at) => orders(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

test("a subscription gives its plan, in whatever order the news comes and however often", async () => {
  await using billing = stripe();
  for (const order of orders([0, 1, 2, 3])) {
    const { id } = await Caller.signUp("free");
    const sub = newId("sub");
    const news = [
      event("customer.subscription.created", subscription(sub, "incomplete", "price_pro"), 0),
      event("customer.subscription.updated", subscription(sub, "active", "price_enterprise"), 0),
      checkout(sub, id),
      event("invoice.paid", { id: newId("in"), object: "invoice" }),
    ];
    for (const at of [...order, ...order]) assertEquals(await billing.send(news[at]!), 200);
    assertEquals(await licence(id), "enterprise, active", order.join());
  }
});

test("who has left the team has no seat, and the news is taken all the same", async () => {
  await using billing = stripe();
  const { id } = await Caller.signUp("free");
  const team = crypto.randomUUID();
  await sql("insert into public.organizations (id, name) values ($1, 'Team')", team);
  await sql("insert into public.organization_members (org_id, user_id) values ($1, $2)", team, id);
  const sub = newId("sub");
  await billing.send(checkout(sub, `${team}_${id}`));
  await sql("delete from public.organization_members where org_id = $1", team);
  const news = event("customer.subscription.created", subscription(sub, "active", "price_pro"));
  assertEquals(await billing.send(news), 200);
  assertEquals(await licence(team, id), undefined);
});

test("the end of the subscription is the end of the plan, and nothing comes after it", async () => {
  await using billing = stripe();
  const { id } = await Caller.signUp("free");
  const sub = newId("sub");
  await billing.send(event("customer.subscription.created", subscription(sub, "active", "price_pro")));
  await billing.send(checkout(sub, id));
  assertEquals(await licence(id), "pro, active");
  await billing.send(event("customer.subscription.updated", subscription(sub, "past_due", "price_pro"), 5));
  assertEquals(await licence(id), "pro, active", "while the renewal is tried again");
  await billing.send(event("customer.subscription.deleted", subscription(sub, "canceled", "price_pro"), 9));
  assertEquals(await licence(id), "free, active");
  await billing.send(event("customer.subscription.updated", subscription(sub, "active", "price_pro"), 9));
  assertEquals(await licence(id), "free, active");

  const changes = await sql(
    "select from_tier, to_tier from public.license_changes where user_id = $1 order by changed_at",
    id,
  );
  assertEquals(changes, [
    { from_tier: null, to_tier: "free" },
    { from_tier: "free", to_tier: "pro" },
    { from_tier: "pro", to_tier: "free" },
  ]);
});

test("a seat in a team expires, and another subscription for it goes on", async () => {
  await using billing = stripe();
  const { id } = await Caller.signUp("free");
  const team = crypto.randomUUID();
  await sql("insert into public.organizations (id, name) values ($1, 'Team')", team);
  await sql("insert into public.organization_members (org_id, user_id) values ($1, $2)", team, id);
  const [small, large] = [newId("sub"), newId("sub")];
  for (const [sub, price] of [[small, "price_pro"], [large, "price_enterprise"]] as const) {
    await billing.send(event("customer.subscription.created", subscription(sub, "active", price)));
    await billing.send(checkout(sub, `${team}_${id}`));
  }
  assertEquals(await licence(team, id), "enterprise, active");
  // Both at once: whoever is second sees what the first has written.
  await Promise.all([
    billing.send(event("customer.subscription.deleted", subscription(large, "canceled", "price_enterprise"), 5)),
    billing.send(event("customer.subscription.updated", subscription(small, "active", "price_pro"), 5)),
  ]);
  assertEquals(await licence(team, id), "pro, active");
  await billing.send(event("customer.subscription.deleted", subscription(small, "canceled", "price_pro"), 9));
  assertEquals(await licence(team, id), "pro, expired");
  assertEquals(await licence(id), "free, active");
});

test("a price that becomes known later counts from then on", async () => {
  await using billing = stripe();
  const { id } = await Caller.signUp("free");
  const [sub, price] = [newId("sub"), newId("price")];
  await billing.send(event("customer.subscription.created", subscription(sub, "active", price)));
  await billing.send(checkout(sub, id));
  assertEquals(await licence(id), "free, active");
  await sql("insert into public.billing_prices values ($1, 'pro')", price);
  assertEquals(await licence(id), "pro, active");
});

test("the first claim of a subscription holds, and what is no seat is none", async () => {
  await using billing = stripe();
  const [mine, other] = [await Caller.signUp("free"), await Caller.signUp("free")];
  const sub = newId("sub");
  await billing.send(event("customer.subscription.created", subscription(sub, "active", "price_pro")));
  assertEquals(await billing.send(checkout(sub, mine.id)), 200);
  assertEquals(await billing.send(checkout(sub, other.id)), 200);
  assertEquals([await licence(mine.id), await licence(other.id)], ["pro, active", "free, active"]);

  for (
    const reference of [null, "", "cart-77", `${mine.id}_`, `${mine.id}_${other.id}_${mine.id}`, "'; drop table x"]
  ) {
    assertEquals(await billing.send(checkout(newId("sub"), reference)), 200, String(reference));
  }
  assertEquals(await billing.send(checkout(newId("sub"), crypto.randomUUID())), 422, "Stripe shows it to the operator");
  assertEquals(await billing.send(event("invoice.paid", { id: "in_1", object: "invoice" })), 200);
});

test("what is not signed by Stripe, or long ago, is refused and does nothing", async () => {
  await using billing = stripe();
  const { id } = await Caller.signUp("free");
  const body = JSON.stringify(checkout(newId("sub"), id));
  const old = Math.floor(Date.now() / 1000) - 3600;
  for (
    const [what, signature] of [
      ["nothing", ""],
      ["noise", "t=1,v1=00"],
      ["another secret", await billing.sign(body, { secret: "whsec_another" })],
      ["another body", await billing.sign(`${body} `)],
      ["an old event", await billing.sign(body, { timestamp: old })],
    ] as const
  ) assertEquals(await billing.post(body, signature), 400, what);
  assertEquals((await fetch(billing.url)).status, 405);
  const long = JSON.stringify({ ...checkout(newId("sub"), id), padding: "x".repeat(300_000) });
  assertEquals(await billing.post(long, await billing.sign(long)), 400, "too long");
  assertEquals(await licence(id), "free, active");
});

test("what cannot be recorded is asked for again", async () => {
  await using billing = stripe({ ...CONFIG, supabaseUrl: deadUrl() });
  assertEquals(await billing.send(checkout(newId("sub"), crypto.randomUUID())), 503);
});

test("nobody but the service records or claims, and nobody reads another's plans", async () => {
  const [mine, other] = [await Caller.signUp("free"), await Caller.signUp("free")];
  const rest = (path: string, init: RequestInit = {}) =>
    fetch(`${env.supabaseUrl}/rest/v1/${path}`, {
      ...init,
      headers: {
        apikey: env.publishableKey,
        Authorization: `Bearer ${other.token}`,
        "Content-Type": "application/json",
      },
    });
  for (
    const [name, args] of [
      ["claim_subscription", { p_subscription_id: "sub_x", p_org_id: other.id, p_user_id: other.id }],
      ["record_subscription", {
        p_subscription_id: "sub_x",
        p_status: "active",
        p_price_ids: ["price_pro"],
        p_told_at: new Date().toISOString(),
      }],
    ] as const
  ) {
    const response = await rest(`rpc/${name}`, { method: "POST", body: JSON.stringify(args) });
    await response.body?.cancel();
    assertEquals(response.status >= 400 && response.status < 500, true, `${name}: ${response.status}`);
  }
  assertEquals(await (await rest("billing_prices?select=*")).json(), []);
  const changes: { user_id: string }[] = await (await rest("license_changes?select=user_id")).json();
  assertEquals([...new Set(changes.map(({ user_id }) => user_id))], [other.id]);
  assertEquals(await licence(mine.id), "free, active");
});

test("without its secret the function does not start", () => {
  const given: Record<string, string> = {
    SUPABASE_URL: "http://x",
    SUPABASE_PUBLISHABLE_KEY: "p",
    SUPABASE_SECRET_KEY: "s",
  };
  let said = "";
  try {
    readConfig((name) => given[name]);
  } catch (error) {
    said = (error as Error).message;
  }
  assertEquals(said, "STRIPE_WEBHOOK_SECRET is not set: the function cannot start.");
});
