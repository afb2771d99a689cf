// The keys of this machine's stack: made once, kept in the data folder, never printed and never committed.

import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** @returns {Promise<{ publishable: string, secret: string, jwtSecret: string }>} */
export async function loadKeys(dataDir) {
  const path = join(dataDir, 'keys.json')
  const stored = await readFile(path, 'utf8').catch(() => null)
  if (stored !== null) return JSON.parse(stored)

  const random = () => randomBytes(32).toString('base64url')
  const keys = { publishable: `sb_publishable_${random()}`, secret: `sb_secret_${random()}`, jwtSecret: random() }
  await writeFile(path, JSON.stringify(keys, null, 2), { mode: 0o600 })
  return keys
}
