import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, type Page } from '@playwright/test'
import { createProductionChat } from 'production-chat'
import { ChatThread, MessageComposer, QuotaIndicator, useProductionChat } from 'production-chat/react'
import { createElement as h, Fragment } from 'react'
import { renderToString } from 'react-dom/server'
import { build, type Rollup } from 'vite'
import { test } from './helpers.js'

// The style sheet in a page that is not ours.

const SHEET = fileURLToPath(import.meta.resolve('production-chat/styles.css'))

/** The sheet as Vite leaves it for the browsers it aims at by default, of which some are older than `light-dark()`. */
async function built(): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, rollupOptions: { input: SHEET } },
  })
  const { output } = result as Rollup.RollupOutput
  const sheet = output.find((file) => file.fileName.endsWith('.css'))
  return String((sheet as Rollup.OutputAsset).source)
}

const SHEETS = {
  'as it is': () => readFileSync(SHEET, 'utf8'),
  'as Vite builds it': built,
}

/** A page with the sheet, what else it says, and one message. */
async function open(page: Page, sheet: string, { style = '', theme = '' } = {}): Promise<void> {
  await page.setContent(`<!doctype html><style>${style}</style><style>${sheet}</style>
    <section class="${theme}"><div class="pc-message" data-role="user"><div class="pc-content">Hello</div></div></section>`)
}

const bubble = (page: Page) => page.locator('.pc-content').evaluate((element) => getComputedStyle(element).backgroundColor)
const LIGHT = 'rgb(227, 239, 233)'
const DARK = 'rgb(33, 58, 50)'

for (const [name, read] of Object.entries(SHEETS)) {
  test(`the style sheet ${name} leaves the page its colour scheme, and follows it`, async ({ page }) => {
    const sheet = await read()
    await page.emulateMedia({ colorScheme: 'dark' })
    await open(page, sheet)
    const scheme = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)
    expect(await scheme()).toBe('normal')
    expect(await bubble(page)).toBe(LIGHT)

    // Said by the page, in a layer or out of it, or by an element around the chat.
    await open(page, sheet, { style: ':root { color-scheme: light dark }' })
    expect(await bubble(page)).toBe(DARK)
    await open(page, sheet, { style: '@layer base { html { color-scheme: dark } }' })
    expect(await bubble(page)).toBe(DARK)
    await open(page, sheet, { style: '.dark { color-scheme: dark }', theme: 'dark' })
    expect(await bubble(page)).toBe(DARK)
  })
}

test('nothing moves for those who asked for less of it', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.setContent(`<!doctype html><style>${readFileSync(SHEET, 'utf8')}</style>
    <p class="pc-dots"><i></i><i></i><i></i></p><span class="pc-skeleton"></span><button class="pc-button">Go</button>`)
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0)
})

test('what a server renders has no style of its own, which a policy would have to allow', () => {
  const client = createProductionChat({ supabaseUrl: 'https://nowhere.invalid', supabaseKey: 'none', accessToken: () => null })
  function Chat() {
    const chat = useProductionChat({ client })
    return h(Fragment, null, h(QuotaIndicator, { client }), h(ChatThread, { chat }), h(MessageComposer, { chat }))
  }
  const html = renderToString(h(Chat))
  expect(html).toContain('pc-top')
  expect(html).not.toContain('style')
})
