import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page } from '@playwright/test'
import { answers, countToday, mountStage, SEEDED_CONVERSATION, send, signIn, spendHour, test } from './helpers.js'

// Every state of the demo, by axe's rules, in light and dark: no violation.

/** `within`: a part of the page, where that has no heading and is all there is. */
async function expectNoViolation(page: Page, within = 'html'): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    // Colours are judged where they end, not on the way there.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))))
    const { violations } = await new AxeBuilder({ page }).include(within).analyze()
    const found = violations.map(({ id, help, nodes }) => ({ colorScheme, id, help, nodes: nodes.map(({ html }) => html) }))
    expect(found).toEqual([])
  }
}

test('signing in', async ({ page }) => {
  await page.goto('/')
  await expect(page.getByRole('button', { name: 'pro@example.com' })).toBeVisible()
  await expectNoViolation(page)
})

test('a day near its end', async ({ page }) => {
  await countToday(page, 17)
  await signIn(page, 'free')
  await expect(page.locator('.pc-near')).toContainText('Pro $29 a month gives you 500 messages a day.')
  await expectNoViolation(page)
})

test('what failed, broke off, waits, or could not be read', async ({ page }) => {
  await mountStage(page, { first: 1, last: 2 })
  await page.evaluate(() => {
    window.stage.add('What failed', 'failed', 'user')
    window.stage.add('What broke off', 'failed')
    window.stage.change({ queue: [window.stage.queued('What waits')] })
  })
  await expect(page.getByText('The answer broke off.')).toBeVisible()
  await expectNoViolation(page, 'main')
  await page.evaluate(() => {
    const error = { ...window.stage.refusal('The server did not answer.').detail, code: 'network' as const, verdict: null }
    window.stage.change({ error, status: 'error', queue: [] })
    window.stage.go('elsewhere', ['A question', 'An answer'])
  })
  await expect(page.getByRole('alert')).toContainText('The server did not answer.')
  await expectNoViolation(page, 'main')
  await page.evaluate(() => window.stage.go('nowhere', []))
  await expect(page.getByRole('alert')).toContainText('This conversation could not be loaded.')
  await expectNoViolation(page, 'main')
})

test('a new conversation', async ({ page }) => {
  await signIn(page, 'pro')
  await expectNoViolation(page)
})

test('a thread, and an answer with code as it grows', async ({ page }) => {
  await signIn(page, 'pro', `/c/${SEEDED_CONVERSATION}`)
  await expect(answers(page).last()).toBeVisible()
  await expectNoViolation(page)
  await page.goto('/')
  await page.getByRole('combobox', { name: 'Agent' }).selectOption('coding')
  await send(page, 'Group a list by a key')
  await expect(answers(page)).toHaveAttribute('data-status', 'streaming')
  await expectNoViolation(page)
  await expect(answers(page)).toHaveAttribute('data-status', 'complete', { timeout: 30_000 })
  await expectNoViolation(page)
})

test('a refusal and its countdown', async ({ page }) => {
  await spendHour(page)
  await signIn(page, 'free')
  await expect(page.getByRole('timer')).toBeVisible()
  await expectNoViolation(page)
})

test('a dialog', async ({ page }) => {
  await signIn(page, 'pro', `/c/${SEEDED_CONVERSATION}`)
  const item = page.getByRole('navigation', { name: 'Conversations' }).getByRole('listitem').first()
  await item.hover()
  await item.getByRole('button', { name: /^Delete/ }).click()
  await expect(page.getByRole('dialog')).toBeVisible()
  await expectNoViolation(page)
})

test.describe('a narrow screen', () => {
  test.use({ viewport: { width: 390, height: 780 } })

  test('its thread and its drawer', async ({ page }) => {
    await page.goto(`/c/${SEEDED_CONVERSATION}`)
    await page.getByRole('button', { name: 'pro@example.com' }).click()
    await expect(answers(page).last()).toBeVisible()
    await expectNoViolation(page)
    await page.getByRole('button', { name: 'Open the list of conversations' }).click()
    await expect(page.getByRole('meter', { name: 'Today' })).toBeVisible()
    await expectNoViolation(page)
  })
})
