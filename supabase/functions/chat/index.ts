// The edge function `chat`: the way from a message to its answer. docs/protocol.md is its contract.

import { createApp } from "./app.ts";
import { readConfig } from "./env.ts";

const app = createApp(readConfig());

Deno.serve(app.fetch);
