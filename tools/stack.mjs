// The whole product on this machine: Supabase (lite), a provider, the edge function, and, if asked for, the app.
// Everything listens on 127.0.0.1 and on free ports. `stop()` ends all of it; so does a part that dies.

import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { startApp } from './stack/app.mjs'
import { startFunctions } from './stack/functions.mjs'
import { loadKeys } from './stack/keys.mjs'
import { startLite } from './stack/lite.mjs'
import { startDemoProvider } from './stack/provider.mjs'

/** Demo accounts of supabase/seed.sql, in the order in which the sign-in page shows them. */
export const DEMO_USERS = ['free@example.com', 'pro@example.com', 'enterprise@example.com', 'admin@example.com']
/** Their password. It guards nothing: the demo listens on this machine alone. */
export const DEMO_PASSWORD = 'production-chat'

/**
 * @typedef {object} StackOptions
 * @property {string} [dataDir] Where keys and the database of PGlite are kept. Default `.local`.
 * @property {string} [databaseUrl] A PostgreSQL to run on instead of PGlite.
 * @property {{ apiKey: string, baseUrl?: string }} [provider] An OpenAI-compatible server. Default: a small one of our own.
 * @property {number} [appPort] Serve the demo app there (the next free port when taken). Absent: no app.
 * @property {boolean} [seed] Fill an empty database with supabase/seed.sql. Default true.
 * @property {Record<string, string>} [functionsEnv] More environment for the edge function.
 * @property {AbortSignal} [signal] Ends the stack, also while it starts.
 * @property {(line: string) => void} [onProgress] Told what takes long.
 * @property {(error: Error) => void} [onDeath] Told when a part dies after the start; the rest is stopped already.
 *
 * @typedef {object} Stack
 * @property {string | null} url The demo app.
 * @property {string} supabaseUrl Origin of `/rest/v1` and `/auth/v1`.
 * @property {string} functionsUrl Base of the edge function: append `/chat`.
 * @property {{ publishable: string, secret: string, jwtSecret: string }} keys
 * @property {() => Promise<void>} stop Ends every part. Safe to call twice.
 *
 * @param {StackOptions} [options]
 * @returns {Promise<Stack>}
 */
export async function startStack(options = {}) {
  const progress = options.onProgress ?? (() => {})
  const dataDir = resolve(options.dataDir ?? '.local')
  const parts = []
  let stopped

  const stop = () => {
    // In reverse: nobody is left calling something that is gone.
    stopped ??= Promise.allSettled(parts.toReversed().map((part) => part.stop())).then(() => {})
    return stopped
  }
  const died = (error) => {
    if (!stopped) stop().then(() => options.onDeath?.(error))
  }
  const add = (part) => {
    parts.push(part)
    if (stopped) part.stop()
    options.signal?.throwIfAborted()
    return part
  }
  options.signal?.addEventListener('abort', stop)

  try {
    await mkdir(dataDir, { recursive: true })
    const keys = await loadKeys(dataDir)

    progress('database, REST and Auth (lite)')
    const driver = options.databaseUrl ? 'postgres' : 'pglite'
    const databaseUrl = options.databaseUrl ?? join(dataDir, 'postgres')
    const lite = add(startLite({ keys, driver, databaseUrl, seed: options.seed ?? true, died }))

    let provider = options.provider
    if (!provider) {
      progress('provider: answers of the demo (set OPENAI_API_KEY or OPENAI_BASE_URL for a real model)')
      provider = add(await startDemoProvider())
    }
    const supabaseUrl = await lite.ready

    progress('edge function (Deno)')
    const functions = add(
      startFunctions({ keys, supabaseUrl, provider, env: options.functionsEnv ?? {}, died }),
    )
    const functionsUrl = await functions.ready

    let app = null
    if (options.appPort !== undefined) {
      progress('demo app (Vite)')
      app = add(
        await startApp({
          port: options.appPort,
          supabaseUrl,
          functionsUrl,
          publishableKey: keys.publishable,
          users: DEMO_USERS,
          password: DEMO_PASSWORD,
        }),
      )
    }
    return { url: app?.url ?? null, supabaseUrl, functionsUrl, keys, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
