// The edge function `billing`: what Stripe says of subscriptions, to the licences that follow them. docs/operations.md.

import { createApp } from "./app.ts";
import { readConfig } from "./env.ts";

Deno.serve(createApp(readConfig()));
