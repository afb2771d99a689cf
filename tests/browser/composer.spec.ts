import { expect, type Page } from '@playwright/test'
import { composer, mountStage, mountUnprovided, send, signIn, spendHour, test } from './helpers.js'

test('without a provider every component says that it is refused, and what would lift it', async ({ page }) => {
  await spendHour(page)
  await signIn(page, 'free')
  await mountUnprovided(page)
  await expect(page.getByRole('meter', { name: 'This hour' })).toHaveAttribute('aria-valuenow', '0')
  const byItself = page.getByRole('region', { name: 'By itself' })
  for (const refusal of [page.locator('.pc-composer'), byItself]) {
    await expect(refusal.getByRole('alert')).toContainText('You have sent 10 messages in the last hour')
    await expect(refusal).toContainText('Pro $29 a month gives you 100 messages an hour.')
  }
  await expect(composer(page)).toBeVisible()
})
