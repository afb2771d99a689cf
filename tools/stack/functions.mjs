import { resolve } from 'node:path'
import { startProcess } from './process.mjs'

/** The edge function on Deno, with the same environment that Supabase gives it. */
export function startFunctions({ keys, supabaseUrl, provider, env, died }) {
  return startProcess({
    name: 'The edge function (Deno)',
    command: 'deno',
    args: [
      'run',
      '--config=supabase/functions/chat/deno.json',
      '--frozen',
      '--allow-env',
      '--allow-net',
      'tools/functions.ts',
    ],
    env: {
      DENO_DIR: resolve('.tools/deno'),
      DENO_NO_UPDATE_CHECK: '1',
      NO_COLOR: '1',
      DENO_SERVE_ADDRESS: 'tcp:127.0.0.1:0',
      SUPABASE_URL: supabaseUrl,
      SUPABASE_PUBLISHABLE_KEY: keys.publishable,
      SUPABASE_SECRET_KEY: keys.secret,
      OPENAI_API_KEY: provider.apiKey,
      OPENAI_BASE_URL: provider.baseUrl,
      ...env,
    },
    address: (line) => line.match(/Listening on (http:\/\/[\d.]+:\d+)/)?.[1] ?? null,
    died,
  })
}
