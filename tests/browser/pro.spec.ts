import { expect, type Locator } from '@playwright/test'
import { answers, countToday, messages, questions, SEEDED_CONVERSATION, send, sendAndRead, signIn, startNew, test } from './helpers.js'

test('a message is answered as a stream, and is still there after a reload', async ({ page }) => {
  await signIn(page, 'pro')
  await send(page, 'How do we cut the onboarding in half?')

  await expect(questions(page)).toHaveText(/cut the onboarding in half/)
  const answer = answers(page)
  await expect(answer).toHaveAttribute('data-status', 'streaming')
  const length = async () => (await answer.textContent())?.length ?? 0
  // Two different lengths while it streams: it grew before our eyes.
  await expect.poll(length).toBeGreaterThan(40)
  const early = await length()
  await expect(answer).toHaveAttribute('data-status', 'streaming')
  await expect.poll(length).toBeGreaterThan(early)
  await expect(answer).toHaveAttribute('data-status', 'complete', { timeout: 30_000 })
  await expect(answer).toContainText('Name the decision.')
  await expect(answer).toContainText('$')

  await expect(page).toHaveURL(/\/c\/[0-9a-f-]{36}$/)
  await page.reload()
  await expect(questions(page)).toHaveText(/cut the onboarding in half/)
  await expect(answers(page)).toContainText('Name the decision.')
  await expect(page.getByRole('navigation', { name: 'Conversations' }).getByRole('link').first()).toHaveAttribute(
    'aria-current',
    'page',
  )
})

test('the quota goes down by one with a message', async ({ page }) => {
  await signIn(page, 'pro')
  const today = page.getByRole('meter', { name: 'Today' })
  const before = Number(await today.getAttribute('aria-valuenow'))
  await sendAndRead(page, 'One more, please')
  await expect(today).toHaveAttribute('aria-valuenow', String(before - 1))
  await expect(today).toHaveAttribute('aria-valuetext', new RegExp(`^${before - 1} of 500 messages left, resets in`))
})

test('that the day comes near its end is announced once, shown, and a larger plan suggested', async ({ page }) => {
  // As if 399 of the day's 500 had been sent before.
  await countToday(page, 399)
  await signIn(page, 'pro')
  const plan = page.getByRole('region', { name: 'Your plan' })
  const announcement = plan.getByRole('status')
  await expect(announcement).toHaveText('')
  await expect(plan).not.toContainText('Enterprise')
  // The server knows better, so it does not get to answer.
  await page.route('**/functions/v1/chat', () => {})
  await send(page, 'The four hundredth')
  await expect(announcement).toHaveText('Most of today is used: 400 of 500 messages.')
  await expect(plan.locator('.pc-near')).toContainText('Most of today is used: 400 of 500 messages.')
  await expect(plan.locator('.pc-near')).toContainText('Enterprise $99 a month gives you 2,000 messages a day.')
})

test('stop keeps what there is of the answer', async ({ page }) => {
  await signIn(page, 'pro')
  await send(page, 'A long one, to be stopped')
  await expect.poll(async () => (await answers(page).textContent())?.length ?? 0).toBeGreaterThan(60)
  await page.getByRole('button', { name: 'Stop answering' }).click()
  await expect(answers(page)).toHaveAttribute('data-status', 'stopped')
  await expect(answers(page)).toContainText('Stopped')
  await page.reload()
  await expect(answers(page)).toHaveAttribute('data-status', 'stopped')
})

test('what is sent during an answer waits for its end, and can be taken back', async ({ page }) => {
  await signIn(page, 'pro')
  await send(page, 'First')
  await expect(answers(page)).toHaveAttribute('data-status', 'streaming')
  await send(page, 'Second')
  await send(page, 'Third')
  const waiting = page.getByRole('article', { name: 'Waiting to be sent' })
  await expect(waiting).toHaveCount(2)
  await waiting.last().getByRole('button', { name: 'Take back' }).click()
  await expect(page.getByRole('textbox', { name: 'Message' })).toHaveValue('Third')

  await expect(answers(page)).toHaveCount(2, { timeout: 30_000 })
  await expect(answers(page).last()).toHaveAttribute('data-status', 'complete', { timeout: 30_000 })
  await expect(waiting).toHaveCount(0)
  await expect(questions(page)).toHaveText([/First/, /Second/])
})

test('another answer takes the place of the last one', async ({ page }) => {
  await signIn(page, 'pro')
  await sendAndRead(page, 'Say it differently')
  const first = await answers(page).getAttribute('data-message-id')
  await page.getByRole('button', { name: 'Answer again' }).click()
  await expect(answers(page)).not.toHaveAttribute('data-message-id', first ?? '')
  await expect(answers(page)).toHaveAttribute('data-status', 'complete', { timeout: 30_000 })
  await page.reload()
  await expect(answers(page)).toHaveCount(1)
  await expect(questions(page)).toHaveCount(1)
})

test('history comes in pages of fifty, and the place being read stays where it is', async ({ page }) => {
  await signIn(page, 'pro', `/c/${SEEDED_CONVERSATION}`)
  await expect(messages(page)).toHaveCount(50)
  const older = page.getByRole('button', { name: 'Load older messages' })

  for (const expected of [100, 120]) {
    await older.scrollIntoViewIfNeeded()
    const reading = messages(page).first()
    await expect(reading).toHaveAttribute('aria-posinset', '1')
    const id = await reading.getAttribute('data-message-id')
    const place = page.locator(`[data-message-id="${id}"]`)
    const before = await settled(place)
    await older.click()
    await expect(place).toHaveAttribute('aria-setsize', String(expected))
    const after = await settled(place)
    expect(Math.abs(after - before)).toBeLessThanOrEqual(2)
  }
  await expect(older).toHaveCount(0)
  await expect(page.getByRole('log').locator('[data-message-id]').first()).toBeAttached()
})

test('who reads above is left alone while an answer grows below', async ({ page }) => {
  await page.setViewportSize({ width: 900, height: 420 })
  await signIn(page, 'pro', `/c/${SEEDED_CONVERSATION}`)
  await expect(messages(page)).toHaveCount(50)
  const log = page.getByRole('log')
  const scrollTop = () => log.evaluate((element) => element.scrollTop)
  const fromEnd = () => log.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight)
  expect(await fromEnd()).toBeLessThanOrEqual(1)

  // At the end, the answer is followed.
  await send(page, 'Follow me')
  await expect(answers(page).last()).toHaveAttribute('data-status', 'streaming')
  await expect.poll(async () => (await answers(page).last().textContent())?.length ?? 0).toBeGreaterThan(150)
  expect(await fromEnd()).toBeLessThanOrEqual(1)

  // Above, it is not.
  await log.hover()
  await page.mouse.wheel(0, -600)
  await expect.poll(fromEnd).toBeGreaterThan(400)
  const reading = await scrollTop()
  await expect(answers(page).last()).toHaveAttribute('data-status', 'complete', { timeout: 30_000 })
  expect(await scrollTop()).toBe(reading)
  await page.getByRole('button', { name: 'To the newest message' }).click()
  await expect.poll(fromEnd).toBeLessThanOrEqual(1)
})

test('a conversation can be renamed and deleted', async ({ page }) => {
  await signIn(page, 'pro')
  await sendAndRead(page, 'To be deleted soon')
  const list = page.getByRole('navigation', { name: 'Conversations' })
  const item = list.getByRole('listitem').filter({ has: page.locator('[aria-current=page]') })

  await item.hover()
  await item.getByRole('button', { name: /^Rename/ }).click()
  await page.getByRole('textbox', { name: 'New title' }).fill('Renamed by hand')
  // An Enter with this code chose a character of an input method.
  await page.getByRole('textbox', { name: 'New title' }).dispatchEvent('keydown', { key: 'Enter', keyCode: 229 })
  await page.getByRole('textbox', { name: 'New title' }).press('Enter')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Renamed by hand')
  await page.reload()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Renamed by hand')

  await item.hover()
  await item.getByRole('button', { name: 'Delete Renamed by hand' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(list.getByRole('link', { name: 'Renamed by hand' })).toHaveCount(0)
  await expect(page).toHaveURL(/\/$/)
  await startNew(page)
})

/** Where an element stands once it stands still: what has just come into sight is measured for a frame or two. */
async function settled(place: Locator): Promise<number> {
  return await place.evaluate(async (element) => {
    let top = NaN
    for (let still = 0; still < 5; ) {
      await new Promise((resolve) => requestAnimationFrame(resolve))
      const now = element.getBoundingClientRect().top
      still = now === top ? still + 1 : 0
      top = now
    }
    return top
  })
}
