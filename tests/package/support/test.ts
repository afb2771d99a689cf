import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test as base, type Page } from '@playwright/test'
import { DEMO_PASSWORD, startStack } from '../../../tools/stack.mjs'
import { startProcess } from '../../../tools/stack/process.mjs'
import { installApps } from './install.mjs'

/** What an app needs to know of the stack and of who is signed in. */
export interface Told {
  supabase: string
  functions: string
  key: string
  token: string
}

interface Shared {
  /** The stack without its demo app, with one signed-in user. */
  told: Told
  /** Vite 8, webpack 5, Next.js 16, React 19. */
  current: string
  /** Vite 7, React 18. */
  previous: string
}

interface Server {
  url: string
  stop: () => Promise<void>
}

/** Waits for a server and ends it with the test. Returns its address. */
type Keep = (starting: Promise<Server>) => Promise<string>

/** Playwright's `test` with what is made once for all tests that ask for it; a page error nobody handled fails a test. */
export const test = base.extend<{ keep: Keep; noPageErrors: undefined }, Shared>({
  told: [
    async ({}, use) => {
      const dataDir = await mkdtemp(join(tmpdir(), 'production-chat-package-'))
      const stack = await startStack({ dataDir })
      await use({
        supabase: stack.supabaseUrl,
        functions: stack.functionsUrl,
        key: stack.keys.publishable,
        token: await signIn(stack.supabaseUrl, stack.keys.publishable),
      })
      await stack.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
    { scope: 'worker', timeout: 180_000 },
  ],
  current: [
    async ({}, use) => {
      const apps = await installApps('current')
      await use(apps.dir)
      await apps.remove()
    },
    { scope: 'worker', timeout: 300_000 },
  ],
  previous: [
    async ({}, use) => {
      const apps = await installApps('previous')
      await use(apps.dir)
      await apps.remove()
    },
    { scope: 'worker', timeout: 300_000 },
  ],
  keep: async ({}, use) => {
    const servers: Server[] = []
    await use(async (starting) => {
      const server = await starting
      servers.push(server)
      return server.url
    })
    await Promise.all(servers.map((server) => server.stop()))
  },
  noPageErrors: [
    async ({ page }, use) => {
      const errors: string[] = []
      page.on('pageerror', (error) => errors.push(error.stack ?? error.message))
      await use(undefined)
      expect(errors).toEqual([])
    },
    { auto: true },
  ],
})

async function signIn(supabaseUrl: string, key: string): Promise<string> {
  const response = await fetch(`${supabaseUrl}/auth/v1/token?grant_type=password`, {
    method: 'POST',
    headers: { apikey: key, 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'enterprise@example.com', password: DEMO_PASSWORD }),
  })
  const { access_token: token } = (await response.json()) as { access_token?: string }
  if (token === undefined) throw new Error(`Signing in answered ${response.status}.`)
  return token
}

/** The address of an app's page, with what it is told. */
export function address(url: string, told: Told): string {
  return `${url}?${new URLSearchParams({ ...told })}`
}

/** Sends a message in the app's chat and waits for its answer. */
export async function chat(page: Page, url: string, told: Told): Promise<void> {
  await page.goto(address(url, told))
  await expect(page.getByRole('meter', { name: 'Today' })).toHaveAttribute('aria-valuemax', '2000', { timeout: 30_000 })
  const field = page.getByRole('textbox', { name: 'Message' })
  await field.fill('Hello from an app')
  await field.press('Enter')
  const answer = page.getByRole('article', { name: /answered$/ })
  await expect(answer).toHaveAttribute('data-status', 'complete', { timeout: 30_000 })
  await expect(answer).toContainText('Name the decision.')
}

/** Starts a server of an app: a script with its arguments. It prints where it listens. */
export async function startServer(name: string, script: string, ...args: string[]): Promise<Server> {
  const { ready, stop } = startProcess({
    name,
    command: process.execPath,
    args: [script, ...args],
    env: { NO_COLOR: '1', NEXT_TELEMETRY_DISABLED: '1', FORCE_COLOR: undefined },
    address: (line: string) => line.match(/Local:\s+(http:\/\/\S+)/)?.[1] ?? null,
    died: () => undefined,
  })
  return { url: await ready, stop }
}
