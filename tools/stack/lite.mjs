import { startProcess } from './process.mjs'

/** Supabase's REST and Auth on this machine (tools/lite.mjs, in a process of its own). */
export function startLite({ keys, driver, databaseUrl, seed, died }) {
  return startProcess({
    name: 'The database (lite)',
    command: process.execPath,
    args: ['tools/lite.mjs'],
    env: {
      LITE_DRIVER: driver,
      LITE_DATABASE_URL: databaseUrl,
      LITE_JWT_SECRET: keys.jwtSecret,
      LITE_SITE_URL: 'http://127.0.0.1',
      LITE_SEED: seed ? 'supabase/seed.sql' : '',
      LITE_TELEMETRY: '0',
      DO_NOT_TRACK: '1',
      SUPABASE_PUBLISHABLE_KEY: keys.publishable,
      SUPABASE_SECRET_KEY: keys.secret,
    },
    address: (line) => (line.startsWith('listening ') ? `http://127.0.0.1:${line.split(' ')[1]}` : null),
    died,
  })
}
