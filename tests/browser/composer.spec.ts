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

test.describe('a message that is refused', () => {
  /** From now on a send is undecided until `refuse`. */
  async function hold(page: Page): Promise<void> {
    await page.evaluate(() => {
      window.stage.change({
        sendMessage: () =>
          new Promise((_, reject) => addEventListener('refuse', () => reject(window.stage.refusal('Not now.')), { once: true })),
      })
    })
  }
  const refuse = (page: Page) => page.evaluate(() => void dispatchEvent(new Event('refuse')))
  const go = (page: Page, id: string) => page.evaluate((id) => window.stage.go(id, ['A question', `What ${id} said`]), id)

  for (const keepsTexts of [false, true]) {
    test.describe(keepsTexts ? 'where the app keeps the text' : 'where the composer keeps the text', () => {
      test.beforeEach(async ({ page }) => {
        await mountStage(page, { first: 1, last: 2, keepsTexts })
        await go(page, 'here')
        await hold(page)
      })

      test('goes back to where it was typed', async ({ page }) => {
        await send(page, 'As it was')
        await expect(composer(page)).toHaveValue('')
        await refuse(page)
        await expect(composer(page)).toHaveValue('As it was')
        await expect(page.locator('.pc-composer').getByRole('alert')).toHaveText('Not now.')
      })

      test('goes above what was typed since, and leaves both', async ({ page }) => {
        await send(page, 'First words')
        await composer(page).fill('More of them')
        await refuse(page)
        await expect(composer(page)).toHaveValue('First words\nMore of them')
      })

      test('waits for its own conversation', async ({ page }) => {
        await send(page, 'Meant for here')
        await go(page, 'elsewhere')
        await refuse(page)
        await expect(page.getByRole('log')).toContainText('What elsewhere said')
        await expect(composer(page)).toHaveValue('')
        await go(page, 'here')
        await expect(composer(page)).toHaveValue('Meant for here')
      })

      test('waits for the field', async ({ page }) => {
        await send(page, 'Nowhere to go')
        await page.evaluate(() => window.stage.field(false))
        await expect(composer(page)).toHaveCount(0)
        await refuse(page)
        await page.evaluate(() => window.stage.field(true))
        await expect(composer(page)).toHaveValue('Nowhere to go')
      })
    })
  }
})

for (const keepsTexts of [false, true]) {
  const place = keepsTexts ? 'the app keeps the text' : 'the composer keeps the text'
  test(`what is taken back is there to be edited, where ${place}`, async ({ page }) => {
    await mountStage(page, { first: 1, last: 2, keepsTexts })
    await page.evaluate(() => {
      window.stage.change({ discardMessage: () => 'What failed', cancelQueued: () => 'What waited' })
      window.stage.add('What failed', 'failed', 'user')
    })
    await page.getByRole('button', { name: 'Edit' }).click()
    await expect(composer(page)).toHaveValue('What failed')
    await expect(composer(page)).toBeFocused()

    await composer(page).fill('')
    await page.evaluate(() => window.stage.change({ queue: [window.stage.queued('What waited')] }))
    await page.getByRole('button', { name: 'Take back' }).click()
    await expect(composer(page)).toHaveValue('What waited')
  })
}

test('what is half written stays with its conversation', async ({ page }) => {
  await mountStage(page, { first: 1, last: 2 })
  const go = (id: string) => page.evaluate((id) => window.stage.go(id, ['A question', `What ${id} said`]), id)
  await go('here')
  await composer(page).fill('For here')
  await go('elsewhere')
  await expect(composer(page)).toHaveValue('')
  await composer(page).fill('For elsewhere')
  await go('here')
  await expect(composer(page)).toHaveValue('For here')

  // Every new conversation is the same place, and takes the words along when it begins.
  const begin = (id: string) => page.evaluate((id) => window.stage.go(id, []), id)
  await begin('first try')
  await composer(page).fill('Something new')
  await go('elsewhere')
  await expect(composer(page)).toHaveValue('For elsewhere')
  await begin('second try')
  await expect(composer(page)).toHaveValue('Something new')
  await page.evaluate(() => window.stage.add('It begins', 'sending', 'user'))
  await expect(composer(page)).toHaveValue('Something new')
  await begin('third try')
  await expect(composer(page)).toHaveValue('')
})

test('Enter that chooses a character of an input method sends nothing', async ({ page }) => {
  await mountStage(page, { first: 1, last: 2 })
  await page.evaluate(() => {
    const sendMessage = () => (document.title = 'sent', new Promise<never>(() => {}))
    window.stage.change({ sendMessage })
    document.title = 'nothing sent'
  })
  await composer(page).fill('日本語')
  // Safari has ended the composing by the time it tells of the key: only the code says what the key was for.
  await composer(page).dispatchEvent('keydown', { key: 'Enter', keyCode: 229 })
  await expect(composer(page)).toHaveValue('日本語')
  await expect(page).toHaveTitle('nothing sent')
  await composer(page).press('Enter')
  await expect(page).toHaveTitle('sent')
})
