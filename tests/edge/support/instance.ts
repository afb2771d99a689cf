// The function once more, in this process, so that what is done to it disturbs nobody.

import { createApp } from "../../../supabase/functions/chat/app.ts";
import type { Config } from "../../../supabase/functions/chat/env.ts";
import { createProvider } from "../../../supabase/functions/chat/provider.ts";
import { env } from "./env.ts";
import { serve } from "./scripted.ts";

const CONFIG: Config = {
  supabaseUrl: env.supabaseUrl,
  publishableKey: env.publishableKey,
  secretKey: env.secretKey,
  openAiKey: env.providerKey,
  openAiBaseUrl: env.providerUrl,
  model: undefined,
};

/** Configured like the deployed one but for the changes; `await using` ends it. `stallLimitMs`: the provider's patience. */
export function instance(changes: Partial<Config>, stallLimitMs?: number) {
  const config = { ...CONFIG, ...changes };
  const app = createApp(config, createProvider(config, stallLimitMs));
  return serve((request) => app.fetch(request));
}

/** Supabase behind a gateway that answers some requests by itself. */
export function gateway(answer: (path: string) => Response | null | Promise<Response | null>) {
  return serve(async (request) => {
    const { pathname, search } = new URL(request.url);
    const own = await answer(pathname);
    if (own) return own;
    const body = request.body ? await request.arrayBuffer() : null;
    const reply = await fetch(`${env.supabaseUrl}${pathname}${search}`, {
      method: request.method,
      headers: request.headers,
      body,
    });
    return new Response(reply.body, { status: reply.status, headers: { "Content-Type": "application/json" } });
  });
}
