// What the function needs. The keys of Supabase are read as `chat` reads them.

import { readConfig as readSupabase } from "../chat/env.ts";

export interface Config {
  supabaseUrl: string;
  /** For the RPCs of the service role. Never logged, never sent to a caller. */
  secretKey: string;
  /** Of the webhook endpoint: `whsec_…`. What is not signed with it is refused. */
  webhookSecret: string;
}

/** @throws {Error} naming what is not set. */
export function readConfig(get: (name: string) => string | undefined = Deno.env.get): Config {
  const { supabaseUrl, secretKey } = readSupabase(get);
  const webhookSecret = get("STRIPE_WEBHOOK_SECRET")?.trim();
  if (!webhookSecret) throw new Error("STRIPE_WEBHOOK_SECRET is not set: the function cannot start.");
  return { supabaseUrl, secretKey, webhookSecret };
}
