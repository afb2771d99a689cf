import { expect, type Page } from '@playwright/test'
import { answers, composer, messages, mountStage, questions, send, sendAndRead, SEEDED_CONVERSATION, signIn, startNew, test } from './helpers.js'

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

test.describe('the focus outlives what was pressed', () => {
  interface Control {
    name: string
    /** What has it afterwards. */
    heir: 'log' | 'textbox'
    /** Brings the control about, and has it disappear when it is pressed. */
    prepare: () => void
  }
  const controls: Control[] = [
    {
      name: 'Stop answering',
      heir: 'textbox',
      prepare: () => window.stage.change({ status: 'streaming', stop: () => window.stage.change({ status: 'ready' }) }),
    },
    {
      name: 'Answer again',
      heir: 'log',
      prepare: () => window.stage.change({ regenerate: async () => (window.stage.turn('streaming'), null) }),
    },
    {
      name: 'Try again',
      heir: 'log',
      prepare: () => {
        window.stage.add('Nobody heard this', 'failed', 'user')
        window.stage.change({ retrySendMessage: async () => (window.stage.turn('sending'), null) })
      },
    },
    {
      name: 'Edit',
      heir: 'textbox',
      prepare: () => {
        window.stage.add('Nobody heard this', 'failed', 'user')
        window.stage.change({ discardMessage: () => (window.stage.drop(), 'Nobody heard this') })
      },
    },
    {
      name: 'Take back',
      heir: 'textbox',
      prepare: () => {
        const queue = [{ ...window.stage.message(), id: 'waiting', role: 'user' as const, status: 'queued' as const }]
        window.stage.change({ queue, cancelQueued: () => (window.stage.change({ queue: [] }), 'Later') })
      },
    },
    {
      name: 'Load older messages',
      heir: 'log',
      prepare: () => window.stage.change({ fetchNextPage: async () => window.stage.change({ hasNextPage: false }) }),
    },
    {
      name: 'To the newest message',
      heir: 'log',
      prepare: () => void (document.querySelector('.pc-scroller')!.scrollTop = 0),
    },
  ]
  for (const { name, heir, prepare } of controls) {
    test(name, async ({ page }) => {
      await mountStage(page, { first: 1, last: 40 })
      await page.evaluate(prepare)
      const control = page.getByRole('button', { name })
      await control.focus()
      await page.keyboard.press('Enter')
      await expect(control).toHaveCount(0)
      await expect(page.getByRole(heir)).toBeFocused()
    })
  }

  test('Stop, when the answer ends by itself', async ({ page }) => {
    await mountStage(page, { first: 1, last: 2 })
    await page.evaluate(() => window.stage.change({ status: 'streaming' }))
    await page.getByRole('button', { name: 'Stop answering' }).focus()
    await page.evaluate(() => window.stage.change({ status: 'ready' }))
    await expect(composer(page)).toBeFocused()
  })

  test('the last page of the list', async ({ page }) => {
    await page.route('**/rpc/list_conversations', async (route) => {
      const isFirst = route.request().postDataJSON().p_before_id === null
      const list = await (await route.fetch()).json()
      await route.fulfill({ json: { ...list, hasMore: isFirst } })
    })
    await signIn(page, 'pro')
    const more = page.getByRole('button', { name: 'Load more' })
    await more.focus()
    await page.keyboard.press('Enter')
    await expect(more).toHaveCount(0)
    const list = page.getByRole('navigation', { name: 'Conversations' })
    await expect(list.locator('.conversation a').last()).toBeFocused()
  })

  test('a problem that is dismissed', async ({ page }) => {
    await signIn(page, 'pro', `/c/${SEEDED_CONVERSATION}`)
    await expect(messages(page).last()).toBeVisible()
    await page.route('**/rpc/get_messages_paginated', (route) => route.fulfill({ status: 404, json: { code: 'PT404', message: 'No.' } }))
    await page.getByRole('button', { name: 'Load older messages' }).press('Enter')
    const dismiss = page.getByRole('button', { name: 'Dismiss' })
    await dismiss.focus()
    await page.keyboard.press('Enter')
    await expect(dismiss).toHaveCount(0)
    await expect(page.getByRole('log')).toBeFocused()
  })

  test('a conversation that is renamed or deleted', async ({ page }) => {
    await signIn(page, 'enterprise')
    for (const text of ['It stays', 'It goes']) {
      await startNew(page)
      await sendAndRead(page, text)
    }
    const list = page.getByRole('navigation', { name: 'Conversations' })
    const rename = list.getByRole('button', { name: 'Rename It goes' })
    for (const key of ['Escape', 'Enter']) {
      await rename.focus()
      await page.keyboard.press('Enter')
      await page.getByRole('textbox', { name: 'New title' }).press(key)
      await expect(list.getByRole('link', { name: 'It goes' })).toBeFocused()
    }

    const remove = list.getByRole('button', { name: 'Delete It goes' })
    const dialog = page.getByRole('dialog')
    await remove.focus()
    await page.keyboard.press('Enter')
    await dialog.getByRole('button', { name: 'Cancel' }).press('Enter')
    await expect(remove).toBeFocused()
    await page.keyboard.press('Enter')
    await dialog.getByRole('button', { name: 'Delete' }).press('Enter')
    await expect(remove).toHaveCount(0)
    await expect(list.getByRole('link', { name: 'It stays' })).toBeFocused()
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
