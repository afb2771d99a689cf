import { fileURLToPath } from 'node:url'
import { expect } from '@playwright/test'
import { signIn, test } from './helpers.js'

test('the guide’s quota indicator renders unchanged', async ({ page }) => {
  await signIn(page, 'admin')
  const example = fileURLToPath(new URL('../package/guide-example.tsx', import.meta.url))
  await page.evaluate(async (path) => {
    // Vite serves both; the page's own client is the one in src/session.ts.
    const { chat } = await import(/* @vite-ignore */ new URL('/src/session.ts', location.href).href)
    const { mount } = await import(/* @vite-ignore */ new URL(`/@fs${path}`, location.href).href)
    mount(chat)
  }, example)
  await expect(page.locator('.quota-indicator')).toHaveText('Messages: 20/20Cost Today: $0.0000')
})
