import { fileURLToPath } from 'node:url'
import { expect, type Page } from '@playwright/test'
import { signIn, test } from './helpers.js'

/** Renders an example of tests/package into the page, on the page's own client. Vite serves both. */
async function mount(page: Page, file: string): Promise<void> {
  const path = fileURLToPath(new URL(`../package/${file}`, import.meta.url))
  await page.evaluate(async (path) => {
    const { chat } = await import(/* @vite-ignore */ new URL('/src/session.ts', location.href).href)
    const { mount } = await import(/* @vite-ignore */ new URL(`/@fs${path}`, location.href).href)
    mount(chat)
  }, path)
}

test('the guide’s quota indicator renders unchanged', async ({ page }) => {
  await signIn(page, 'admin')
  await mount(page, 'guide-example.tsx')
  await expect(page.locator('.quota-indicator')).toHaveText('Messages: 20/20Cost Today: $0.0000')
})

test('a chat that catches nothing shows answers, and what is refused as its error', async ({ page }) => {
  await signIn(page, 'enterprise')
  await mount(page, 'app-example.tsx')
  const example = page.locator('.app-example')
  const field = example.locator('input')
  await field.fill('   ')
  await field.press('Enter')
  await expect(example.getByRole('alert')).toHaveText('Write a message first.')

  await field.fill('In five words, please')
  await field.press('Enter')
  await expect(example.getByRole('alert')).toHaveCount(0)
  await expect(example).toContainText('Name the decision.')
})
