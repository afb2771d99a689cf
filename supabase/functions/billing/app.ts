// One route, for Stripe's webhook: an event is verified, read and recorded. What is answered with anything but 2xx is sent
// again by Stripe, for days; recording it twice changes nothing.

import { createClient } from "@supabase/supabase-js";
import Stripe from "stripe";
import type { Config } from "./env.ts";
import { newsOf } from "./news.ts";

/** Stripe waits for ten seconds and more. */
const RECORD_LIMIT_MS = 8_000;
/** Stripe's events are a few kilobytes. */
const MAX_BODY_BYTES = 256 * 1024;

export function createApp(config: Config): (request: Request) => Promise<Response> {
  const supabase = createClient(config.supabaseUrl, config.secretKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
  });
  const verified = Stripe.createSubtleCryptoProvider();

  async function read(request: Request): Promise<Stripe.Event | null> {
    if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY_BYTES) return null;
    const body = await request.text();
    if (body.length > MAX_BODY_BYTES) return null;
    const signature = request.headers.get("stripe-signature") ?? "";
    try {
      // Signed by whoever has the secret, within the last five minutes.
      return await Stripe.webhooks.constructEventAsync(body, signature, config.webhookSecret, undefined, verified);
    } catch {
      return null;
    }
  }

  return async (request) => {
    if (request.method !== "POST") return answer(405, "Only Stripe's webhook comes here, with POST.");
    const event = await read(request);
    if (event === null) return answer(400, "The event is not signed with this endpoint's secret.");
    const news = newsOf(event);
    if (news === null) return answer(200, "Nothing here follows from this event.");

    const { error, status } = await supabase.rpc(news.rpc, news.args).abortSignal(AbortSignal.timeout(RECORD_LIMIT_MS));
    if (!error) return answer(200, "Recorded.");
    console.error(`${event.type} ${event.id}: ${error.code ?? status} ${error.message}`);
    if (error.code === "PT422") return answer(422, error.message);
    return answer(503, "It could not be recorded. Send it again.");
  };
}

function answer(status: number, message: string): Response {
  return Response.json({ message }, { status, headers: { "Cache-Control": "no-store" } });
}
