import { expect } from '@playwright/test'
import { answers, composer, send, SEEDED_CONVERSATION, signIn, test } from './helpers.js'

test('an unknown conversation is not found, in words, and leads on', async ({ page }) => {
  await signIn(page, 'pro', '/c/01990000-0000-7000-8000-00000000dead')
  await expect(page.getByRole('heading', { name: 'This conversation is not here' })).toBeVisible()
  await page.getByRole('link', { name: 'Begin a new one' }).click()
  await expect(page.getByRole('heading', { name: 'What are we working on?' })).toBeVisible()
})

test('an id that is none is not found either', async ({ page }) => {
  await signIn(page, 'pro', '/c/nonsense')
  await expect(page.getByRole('heading', { name: 'This conversation is not here' })).toBeVisible()
})

test('an over-long message is refused with the limit, and stays in the field', async ({ page }) => {
  await signIn(page, 'enterprise')
  const long = 'x'.repeat(16_001)
  await send(page, long)
  await expect(page.getByRole('alert')).toContainText('at most 16,000 bytes')
  await expect(composer(page)).toHaveValue(long)
  await expect(page.getByRole('heading', { name: 'What are we working on?' })).toBeVisible()
})

test('another person’s conversation does not exist', async ({ page }) => {
  await signIn(page, 'enterprise', `/c/${SEEDED_CONVERSATION}`)
  await expect(page.getByRole('heading', { name: 'This conversation is not here' })).toBeVisible()
  await expect(page.getByRole('article')).toHaveCount(0)
})

test('a wrong password is said so', async ({ page }) => {
  await page.goto('/')
  await page.getByLabel('Email').fill('pro@example.com')
  await page.getByLabel('Password').fill('not it')
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(page.getByRole('alert')).toHaveText('This email and password do not belong together.')
})

test('a session that expired is renewed in place, and what was typed is sent', async ({ page }) => {
  await signIn(page, 'enterprise')
  // From now on the server takes this session for expired, and its refresh token for used up.
  await page.route('**/functions/v1/chat', (route) =>
    route.fulfill({
      status: 401,
      contentType: 'application/problem+json',
      json: {
        type: 'urn:production-chat:problem:unauthenticated',
        title: 'Not signed in',
        status: 401,
        detail: 'The session has expired.',
        code: 'unauthenticated',
      },
    }),
  )
  await page.evaluate(() => {
    for (const [name, text] of Object.entries(localStorage)) {
      if (!name.endsWith('-auth-token')) continue
      const session = JSON.parse(text)
      localStorage.setItem(name, JSON.stringify({ ...session, expires_at: 1, refresh_token: 'used-up' }))
    }
  })
  await send(page, 'Typed before the session ended')

  const dialog = page.getByRole('dialog', { name: 'Sign in again' })
  await expect(dialog).toContainText('Your session has expired')
  await page.unroute('**/functions/v1/chat')
  await dialog.getByRole('button', { name: 'enterprise@example.com' }).click()
  await expect(dialog).toHaveCount(0)

  await expect(page.getByRole('log')).toContainText('Typed before the session ended')
  await expect(answers(page)).toHaveAttribute('data-status', 'complete', { timeout: 30_000 })
})

test('signing out leaves nothing of the person behind', async ({ page }) => {
  await signIn(page, 'enterprise')
  await composer(page).fill('A secret draft')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByRole('button', { name: 'pro@example.com' })).toBeVisible()
  await expect(page.getByText('A secret draft')).toHaveCount(0)
  expect(await page.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)])).toEqual([])

  await page.getByRole('button', { name: 'pro@example.com' }).click()
  await expect(page.getByRole('meter', { name: 'Today' })).toBeVisible()
  await expect(composer(page)).toHaveValue('')
})
