import { fileURLToPath } from 'node:url'
import { expect, test as base, type Locator, type Page, type Request } from '@playwright/test'
import type { Scene, Stage } from './stage.js'

declare global {
  interface Window {
    stage: Stage
  }
}

/** Playwright's `test`, which also fails when the page had an error that nobody handled. */
export const test = base.extend<{ noPageErrors: undefined }>({
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

export type DemoUser = 'free' | 'pro' | 'enterprise' | 'admin'

/** The conversation of 120 messages that supabase/seed.sql gives the pro user. */
export const SEEDED_CONVERSATION = '01890000-0000-7000-a000-000000000001'

/** Signs in by the demo's button and waits until the quota is known. */
export async function signIn(page: Page, user: DemoUser, path = '/'): Promise<void> {
  await page.goto(path)
  await page.getByRole('button', { name: `${user}@example.com` }).click()
  await expect(page.getByRole('meter', { name: 'Today' })).toBeVisible()
}

export function composer(page: Page): Locator {
  return page.getByRole('textbox', { name: 'Message' })
}

export function questions(page: Page): Locator {
  return page.getByRole('article', { name: 'You wrote' })
}

export function answers(page: Page): Locator {
  return page.getByRole('article', { name: /answered$/ })
}

export function messages(page: Page): Locator {
  return page.getByRole('log').getByRole('article')
}

export async function send(page: Page, text: string): Promise<void> {
  await composer(page).fill(text)
  await composer(page).press('Enter')
}

/** Sends and waits for the whole answer. */
export async function sendAndRead(page: Page, text: string): Promise<void> {
  const before = await answers(page).count()
  await send(page, text)
  await expect(answers(page)).toHaveCount(before + 1, { timeout: 30_000 })
  await expect(answers(page).last()).toHaveAttribute('data-status', 'complete', { timeout: 30_000 })
}

/** A new conversation, by its link. */
export async function startNew(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'New conversation' }).click()
  await expect(page.getByRole('heading', { name: 'What are we working on?' })).toBeVisible()
}

/** What the page asks of the edge function, from now on. A turn that is tried again is one send. */
export function watchSends(page: Page): Request[] {
  const sends: Request[] = []
  page.on('request', (request) => {
    if (request.method() !== 'POST' || new URL(request.url()).pathname !== '/functions/v1/chat') return
    const turn = request.postDataJSON().id
    if (!sends.some((sent) => sent.postDataJSON().id === turn)) sends.push(request)
  })
  return sends
}

/** What the page's own code would send with: for requests made past it. */
export async function credentials(page: Page): Promise<{ token: string; key: string }> {
  const request = page.waitForRequest(/\/rest\/v1\/rpc\/quota_status/)
  await page.reload()
  const headers = await (await request).allHeaders()
  await expect(page.getByRole('meter', { name: 'Today' })).toBeVisible()
  return { token: (headers['authorization'] ?? '').replace('Bearer ', ''), key: headers['apikey'] ?? '' }
}

/** Thread and composer alone, on made-up messages, in a page of the demo's server: `window.stage` says what happens next. */
export async function mountStage(page: Page, scene: Scene): Promise<void> {
  await page.goto('/')
  await page.evaluate(
    async ({ path, scene }) => {
      const { mount } = await import(/* @vite-ignore */ new URL(path, location.href).href)
      window.stage = mount(scene)
    },
    { path: STAGE, scene },
  )
  await expect(page.getByRole('article').first()).toBeAttached()
}

/** Every component on the page's own client, without a provider around them. */
export async function mountUnprovided(page: Page): Promise<void> {
  await page.evaluate(async (path) => {
    const { chat } = await import(/* @vite-ignore */ new URL('/src/session.ts', location.href).href)
    const { mountUnprovided } = await import(/* @vite-ignore */ new URL(path, location.href).href)
    mountUnprovided(chat)
  }, STAGE)
}

/** Where the demo's server serves the stage. */
const STAGE = `/@fs${fileURLToPath(new URL('stage.tsx', import.meta.url))}`

/** The same account, as if the hour were spent. */
export async function spendHour(page: Page): Promise<void> {
  await page.route('**/rest/v1/rpc/quota_status', async (route) => {
    const response = await route.fetch()
    const body = await response.json()
    const { usage } = body
    usage.messagesThisHour.used = usage.quotas.max_messages_per_hour
    usage.hourFreesAt = [usage.serverTime + 20 * 60_000]
    await route.fulfill({ response, json: body })
  })
}

/** The same account, as if so many messages had been sent today. */
export async function countToday(page: Page, used: number): Promise<void> {
  await page.route('**/rest/v1/rpc/quota_status', async (route) => {
    const response = await route.fetch()
    const body = await response.json()
    body.usage.messagesToday.used = used
    await route.fulfill({ response, json: body })
  })
}

/** The module does not arrive until the function returned is called. */
export async function holdModule(page: Page): Promise<() => void> {
  let arrive = () => {}
  const arrived = new Promise<void>((resolve) => (arrive = resolve))
  await page.route('**/*.wasm', async (route) => {
    await arrived
    await route.continue()
  })
  return arrive
}
