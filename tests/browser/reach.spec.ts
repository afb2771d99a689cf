import { expect, type Page } from '@playwright/test'
import { answers, composer, questions, send, SEEDED_CONVERSATION, signIn, test } from './helpers.js'

test.describe('keyboard only', () => {
  /** Tab until the element with this name has the focus; a page in which it cannot be reached fails. */
  async function tabTo(page: Page, name: string | RegExp, role: 'button' | 'textbox' | 'link'): Promise<void> {
    const target = page.getByRole(role, { name }).first()
    await expect(target).toBeVisible()
    for (let presses = 0; presses < 60; presses++) {
      if (await target.evaluate((element) => element === document.activeElement)) return
      await page.keyboard.press('Tab')
    }
    await expect(target).toBeFocused()
  }

  test('signs in, writes, reads and starts anew', async ({ page }) => {
    await page.goto('/')
    await tabTo(page, 'enterprise@example.com', 'button')
    await page.keyboard.press('Enter')
    await expect(page.getByRole('meter', { name: 'Today' })).toBeVisible()

    await tabTo(page, 'Message', 'textbox')
    await page.keyboard.type('First line')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.type('second line')
    await page.keyboard.press('Enter')
    await expect(questions(page)).toHaveText(/First line\s*second line/)
    await expect(answers(page)).toHaveAttribute('data-status', 'complete', { timeout: 30_000 })
    await expect(composer(page)).toBeFocused()

    await tabTo(page, 'New conversation', 'link')
    await page.keyboard.press('Enter')
    await expect(page.getByRole('heading', { name: 'What are we working on?' })).toBeVisible()
    await expect(composer(page)).toBeFocused()
  })

  test('reaches older messages', async ({ page }) => {
    await signIn(page, 'pro', `/c/${SEEDED_CONVERSATION}`)
    await tabTo(page, 'Load older messages', 'button')
    await page.keyboard.press('Enter')
    await expect(page.getByRole('log').getByRole('article').last()).toHaveAttribute('aria-setsize', '100')
  })
})

test.describe('a narrow screen', () => {
  test.use({ viewport: { width: 390, height: 780 } })

  test('keeps the list in a drawer, and nothing overflows', async ({ page }) => {
    await page.goto('/')
    await page.getByRole('button', { name: 'pro@example.com' }).click()
    const open = page.getByRole('button', { name: 'Open the list of conversations' })
    await expect(open).toBeVisible()
    await expect(page.getByRole('meter', { name: 'Today' })).toBeHidden()

    await open.click()
    await expect(page.getByRole('meter', { name: 'Today' })).toBeVisible()
    await expect(page.getByRole('button', { name: 'Close the list' })).toBeFocused()
    await page.keyboard.press('Escape')
    await expect(page.getByRole('meter', { name: 'Today' })).toBeHidden()
    await expect(open).toBeFocused()

    await open.click()
    await page.getByRole('navigation', { name: 'Conversations' }).getByRole('link').last().click()
    await expect(page.getByRole('meter', { name: 'Today' })).toBeHidden()
    await expect(page.getByRole('log').getByRole('article').first()).toBeAttached()
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(width).toBeLessThanOrEqual(390)
  })
})

test('a growing answer is not read out word by word, a finished one is, once', async ({ page }) => {
  await signIn(page, 'pro')
  const log = page.getByRole('log')
  await expect(log).toHaveAttribute('aria-live', 'off')
  await send(page, 'Read this to me')
  const status = page.locator('.pc-thread').getByRole('status')
  await expect(status).toHaveText('Executive is answering.')
  await expect(log).toHaveAttribute('aria-busy', 'true')
  await expect(answers(page)).toHaveAttribute('data-status', 'complete', { timeout: 30_000 })
  await expect(status).toContainText('Name the decision.')
  await expect(log).toHaveAttribute('aria-busy', 'false')
})
