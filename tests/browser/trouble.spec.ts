import { expect } from '@playwright/test'
import { answers, composer, questions, send, signIn, test } from './helpers.js'
import { startFlakyDemo, type FlakyDemo } from './flaky-demo.js'

test('offline: what is sent is kept, and goes out on return', async ({ page, context }) => {
  await signIn(page, 'pro')
  await context.setOffline(true)
  await expect(page.getByText('You are offline.')).toBeVisible()
  await send(page, 'Written in a tunnel')
  await expect(page.getByRole('log')).toContainText('Written in a tunnel')
  await expect(composer(page)).toHaveValue('')

  await context.setOffline(false)
  await expect(page.getByText('You are offline.')).toHaveCount(0)
  await expect(answers(page)).toHaveAttribute('data-status', 'complete', { timeout: 45_000 })
  await expect(questions(page)).toHaveCount(1)
})

test('a reload while a message is on its way loses nothing and doubles nothing', async ({ page }) => {
  await signIn(page, 'pro')
  await send(page, 'Reload me')
  await expect(page).toHaveURL(/\/c\//)
  await expect(answers(page)).toHaveAttribute('data-status', 'streaming')
  await page.reload()
  await expect(questions(page)).toHaveCount(1)
  await expect(answers(page)).toHaveAttribute('data-status', 'complete', { timeout: 45_000 })
  await expect(answers(page)).toHaveCount(1)
})

test('a stop while nobody knows whether the message arrived says so, and does not call it unsent', async ({ page }) => {
  await signIn(page, 'pro')
  await page.route('**/functions/v1/chat', (route) => route.abort('connectionreset'))
  await page.route('**/functions/v1/chat/turns/**', (route) => route.abort('connectionreset'))
  await send(page, 'Did you get this?')
  await expect(questions(page)).toHaveAttribute('data-status', 'sending')
  await page.getByRole('button', { name: 'Stop answering' }).click()
  await expect(questions(page)).toContainText('Stopping')
  await page.reload()
  await expect(questions(page)).toContainText('Stopping')
})

test('what is half written survives a reload', async ({ page }) => {
  await signIn(page, 'pro')
  await composer(page).fill('Half a thought')
  await page.reload()
  await expect(composer(page)).toHaveValue('Half a thought')
})

test.describe('with a provider that fails', () => {
  let demo: FlakyDemo
  test.beforeAll(async () => {
    demo = await startFlakyDemo()
  })
  test.afterAll(async () => {
    await demo.stop()
  })

  test('the message is kept as failed, nothing is charged, and trying again works', async ({ page }) => {
    test.setTimeout(120_000)
    demo.provider.fails = true
    await signIn(page, 'pro', demo.url)
    const today = page.getByRole('meter', { name: 'Today' })
    const before = await today.getAttribute('aria-valuenow')
    await send(page, 'Nobody will answer this')

    const failed = page.locator('article[data-status=failed]')
    await expect(failed).toContainText('Nobody will answer this', { timeout: 60_000 })
    await expect(failed).toContainText(/\$0\.\d{4} went back to you/)
    await expect(today).toHaveAttribute('aria-valuenow', before ?? '')
    await expect(failed.getByRole('button', { name: 'Edit' })).toBeVisible()

    // It survives a reload, too: it is nowhere but in this browser.
    await page.reload()
    await expect(failed).toContainText('Nobody will answer this')

    demo.provider.fails = false
    await failed.getByRole('button', { name: 'Try again' }).click()
    await expect(answers(page)).toHaveAttribute('data-status', 'complete', { timeout: 45_000 })
    await expect(failed).toHaveCount(0)
    await expect(questions(page)).toHaveCount(1)
    await expect(today).toHaveAttribute('aria-valuenow', String(Number(before) - 1))
  })

  test('a failed message can be taken back and edited', async ({ page }) => {
    test.setTimeout(120_000)
    demo.provider.fails = true
    await signIn(page, 'enterprise', demo.url)
    await send(page, 'With a tpyo')
    const failed = page.locator('article[data-status=failed]')
    await expect(failed).toBeVisible({ timeout: 60_000 })
    await failed.getByRole('button', { name: 'Edit' }).click()
    await expect(composer(page)).toHaveValue('With a tpyo')
    await expect(failed).toHaveCount(0)
  })
})
