// The package as a user gets it: packed, and installed by npm into a fresh app outside of this repository.

import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const apps = fileURLToPath(new URL('../apps/', import.meta.url))
const pkg = fileURLToPath(new URL('../../../pkg/', import.meta.url))

/** Where the files that every bundler's app has in common go. */
const COMMON = { current: ['vite', 'webpack', 'next/app'], previous: ['vite'] }

/**
 * @param {'current' | 'previous'} name
 * @returns {Promise<{ dir: string, remove: () => Promise<void> }>}
 */
export async function installApps(name) {
  const dir = await mkdtemp(join(tmpdir(), `production-chat-${name}-`))
  await run('npm', ['pack', '--silent', '--pack-destination', dir], { cwd: pkg })
  const tarball = (await readdir(dir)).find((file) => file.endsWith('.tgz'))
  // What an app has itself lies over what all have in common.
  for (const folder of COMMON[name]) await cp(join(apps, 'shared'), join(dir, folder), { recursive: true })
  await cp(join(apps, name), dir, { recursive: true })
  // What the machine has fetched before is not asked for again.
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', `./${tarball}`], {
    cwd: dir,
  })
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
}

/**
 * Runs a script of the app to its end.
 *
 * @param {string} dir
 * @param {...string} args For node.
 * @returns {Promise<string>} What it printed.
 */
export async function node(dir, ...args) {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NO_COLOR: '1', NODE_ENV: 'production' }
  const { stdout } = await run(process.execPath, args, { cwd: dir, env, maxBuffer: 16 * 1024 * 1024 }).catch((error) => {
    throw new Error(`node ${args.join(' ')} failed:\n${error.stdout}\n${error.stderr}`)
  })
  return stdout
}
