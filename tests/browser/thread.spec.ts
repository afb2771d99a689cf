import { expect, type Page } from '@playwright/test'
import { mountStage, test } from './helpers.js'

const fromEnd = (page: Page) =>
  page.getByRole('log').evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight)

const frames = (page: Page, count = 3) =>
  page.evaluate(async (count) => {
    for (let frame = 0; frame < count; frame++) await new Promise((resolve) => requestAnimationFrame(resolve))
  }, count)

test('a hundred thousand messages: few are in the page, the end is in sight, each can be reached', async ({ page }) => {
  await mountStage(page, { first: 1, last: 100_000 })
  const articles = page.getByRole('article')
  await expect(articles.last()).toContainText('Message 100000.')
  await expect(articles.last()).toHaveAttribute('aria-posinset', '100000')
  await expect(articles.last()).toHaveAttribute('aria-setsize', '100000')
  await expect(articles.last()).toBeInViewport()
  await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1)
  expect(await articles.count()).toBeLessThan(120)

  await page.getByRole('log').evaluate((log) => (log.scrollTop = 0))
  await expect(page.locator('[data-message-id=message-1]')).toBeInViewport()
  await page.getByRole('button', { name: 'To the newest message' }).click()
  await expect(page.locator('[data-message-id=message-100000]')).toBeInViewport()
  await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1)
})

test('older messages arrive above without moving what is read, however high they are', async ({ page }) => {
  await mountStage(page, { first: 501, last: 700 })
  const log = page.getByRole('log')
  await log.evaluate((log) => (log.scrollTop = 0))
  const reading = page.locator('[data-message-id=message-501]')
  await expect(reading).toBeInViewport()
  await frames(page)
  for (let round = 0; round < 3; round++) {
    // What is painted: where the message stands at the beginning of each of the next frames.
    const places = await page.evaluate(async () => {
      const top = () => document.querySelector('[data-message-id=message-501]')?.getBoundingClientRect().top ?? NaN
      const places = [top()]
      window.stage.older(50)
      for (let frame = 0; frame < 12; frame++) {
        await new Promise((resolve) => requestAnimationFrame(resolve))
        places.push(top())
      }
      return places
    })
    const moves = places.map((place) => Math.round(place - (places[0] ?? NaN)))
    expect(moves.filter((move) => !(Math.abs(move) <= 2))).toEqual([])
    await expect(reading).toHaveAttribute('aria-posinset', String(50 * (round + 1) + 1))
  }
})

test('the end is followed by those who are there, and leaves those alone who are not', async ({ page }) => {
  await mountStage(page, { first: 1, last: 300 })
  await page.evaluate(() => window.stage.add('It begins. ', 'streaming'))
  for (let n = 0; n < 20; n++) {
    await page.evaluate(() => window.stage.grow('And it goes on for a line or so, with words. '.repeat(3)))
    await frames(page, 1)
  }
  await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1)

  const log = page.getByRole('log')
  await log.hover()
  await page.mouse.wheel(0, -500)
  await expect.poll(() => fromEnd(page)).toBeGreaterThan(300)
  const place = await log.evaluate((log) => log.scrollTop)
  for (let n = 0; n < 20; n++) {
    await page.evaluate(() => window.stage.grow('And it goes on for a line or so, with words. '.repeat(3)))
    await frames(page, 1)
  }
  expect(await log.evaluate((log) => log.scrollTop)).toBe(place)
})

test('a delta renders the message that grew, and no other', async ({ page }) => {
  await mountStage(page, { first: 1, last: 300 })
  await page.evaluate(() => window.stage.add('It begins. ', 'streaming'))
  await frames(page, 6)
  await page.evaluate(() => window.stage.rendered())
  for (let n = 0; n < 30; n++) {
    await page.evaluate(() => window.stage.grow('more '))
    await frames(page, 1)
  }
  const { ids, commits } = await page.evaluate(() => window.stage.rendered())
  expect(ids).toEqual(['message-301'])
  expect(commits).toBeGreaterThanOrEqual(30)
  await expect(page.getByRole('article').last()).toContainText('more more')
})

test('a plain text is shown to the letter while it grows, and what is whole of it stays as it is', async ({ page }) => {
  await mountStage(page, { first: 1, last: 2, isPlain: true })
  const text = '\n\nFirst,\nin two lines.\n\n\n\n  Second.\n\nThird <b>\n\n\nLast\n'
  await page.evaluate(() => window.stage.add('', 'streaming'))
  const content = page.getByRole('article').last().locator('.pc-content')
  // The same text in one piece, as tall as it is in paragraphs.
  const one = (whole: string) =>
    content.evaluate((element, whole) => {
      if (!(element instanceof HTMLElement)) throw new Error('a message is no picture')
      const one = element.cloneNode() as HTMLElement
      one.append(whole, ...[...element.querySelectorAll('.pc-caret')].map((caret) => caret.cloneNode()))
      element.after(one)
      const [height, paragraphs] = [one.offsetHeight - element.offsetHeight, element.querySelectorAll('p').length]
      one.remove()
      return { height, paragraphs, text: element.textContent }
    }, whole)
  let first: Awaited<ReturnType<typeof content.elementHandle>> | undefined
  for (let at = 0; at < text.length; at++) {
    await page.evaluate((letter) => window.stage.grow(letter), text.charAt(at))
    await frames(page, 1)
    const shown = await one(text.slice(0, at + 1))
    expect(shown.text).toBe(text.slice(0, at + 1))
    if (/[^\n]$/.test(shown.text ?? '')) expect(shown.height, JSON.stringify(shown.text)).toBe(0)
    if (shown.paragraphs === 2) first ??= await content.locator('p').first().elementHandle()
  }
  expect(await content.locator('p').count()).toBe(4)
  expect(await first?.evaluate((paragraph) => paragraph.isConnected)).toBe(true)
})

test('hostile markdown is text: no markup, no script, no request, no link that runs', async ({ page }) => {
  const asked: string[] = []
  await mountStage(page, { first: 1, last: 2 })
  page.on('request', (request) => asked.push(request.url()))
  const hostile = [
    '<script>window.hurt = 1</script><img src=x onerror="window.hurt = 2"><iframe srcdoc="<script>parent.hurt=3</script>"></iframe>',
    '<a href="javascript:window.hurt=4">html link</a>',
    '[one](javascript:window.hurt=5) [two](JaVaScRiPt:window.hurt=6) [three](data:text/html,<script>window.hurt=7</script>)',
    '[four](vbscript:msgbox) [five](&#106;avascript:window.hurt=8) <javascript:window.hurt=9>',
    '![a picture](https://tracker.invalid/pixel.png) ![](https://tracker.invalid/other.png "t")',
    '[web](https://example.com/?q="><script>window.hurt=10</script>) [mail](mailto:a@example.com)',
    '<style>body { display: none }</style><svg onload="window.hurt = 11"></svg><math><mi xlink:href="javascript:1">x</mi></math>',
    '[six](/settings) [seven](settings?all) [eight](//example.com) [nine](irc://example.com/room) [ten](#top) [eleven](<>)',
    '| a | b |\n| - | - |\n| <b onclick=alert(1)>c</b> | [d](javascript:alert(1)) |',
  ].join('\n\n')
  // As it streams: every prefix of it is shown at some moment.
  await page.evaluate(async (hostile) => {
    window.stage.add('', 'streaming')
    for (let at = 0; at < hostile.length; at += 7) {
      window.stage.grow(hostile.slice(at, at + 7))
      await new Promise((resolve) => requestAnimationFrame(resolve))
    }
  }, hostile)
  const answer = page.getByRole('article').last()
  await expect(answer).toContainText('<svg onload="window.hurt = 11"></svg>')

  const found = await answer.evaluate((article) => ({
    elements: [...article.querySelectorAll('script, img, iframe, style, svg, math, object, embed, form, input:not([type=checkbox])')].length,
    handlers: [...article.querySelectorAll('*')].filter((element) => element.getAttributeNames().some((name) => name.startsWith('on'))).length,
    links: [...article.querySelectorAll('a')].map((link) => [link.textContent, new URL(link.href).protocol, link.rel]),
  }))
  expect(found.elements).toBe(0)
  expect(found.handlers).toBe(0)
  // What would run something, or leads to who knows where, is no link at all.
  const rel = 'noopener noreferrer nofollow'
  expect(found.links).toEqual([['web', 'https:', rel], ['mail', 'mailto:', rel]])
  await expect(answer).toContainText('six seven eight nine ten eleven')
  expect(await page.evaluate(() => 'hurt' in window)).toBe(false)
  expect(asked.filter((url) => url.includes('tracker'))).toEqual([])
})

test('footnotes lead to their own message and back, and tasks say whether they are done', async ({ page }) => {
  await mountStage(page, { first: 1, last: 2 })
  const noted = 'It is so.[^1] And so is this.[^why]\n\n- [x] Read it\n- [ ] Write it\n\n[^1]: Because.\n[^why]: Because of that.'
  await page.evaluate((noted) => {
    window.stage.add(noted)
    window.stage.add(noted)
  }, noted)
  await expect(page.getByRole('heading', { name: 'Footnotes' })).toHaveCount(2)
  const ids = await page.evaluate(() => [...document.querySelectorAll('article [id]')].map(({ id }) => id))
  expect(ids).toHaveLength(10)
  expect(new Set(ids).size).toBe(ids.length)

  const answers = page.getByRole('article', { name: 'Assistant answered' })
  for (const answer of [answers.nth(1), answers.nth(2)]) {
    const links = await answer.evaluate((article) =>
      [...article.querySelectorAll('a')].map((link) => ({
        leads: article.querySelector(`[id="${link.hash.slice(1)}"]`) !== null,
        isDescribed: (link.getAttribute('aria-describedby') ?? '').split(' ').every((id) => id === '' || article.querySelector(`[id="${id}"]`) !== null),
        target: link.target,
      })),
    )
    expect(links).toEqual(Array(4).fill({ leads: true, isDescribed: true, target: '' }))
    await expect(answer.getByRole('link', { name: 'Back to reference 1' })).toBeVisible()
    await expect(answer.getByRole('checkbox', { name: 'Done' })).toBeChecked()
    await expect(answer.getByRole('checkbox', { name: 'To do' })).not.toBeChecked()
  }
})

test('a refusal is said in its own conversation, until that goes on', async ({ page }) => {
  await mountStage(page, { first: 1, last: 2 })
  const go = (id: string) => page.evaluate((id) => window.stage.go(id, ['A question', `What ${id} said`]), id)
  await page.evaluate(() => window.stage.change({ regenerate: () => Promise.reject(window.stage.refusal('Not again.')) }))
  const refusal = page.getByRole('log').getByRole('alert')
  await go('here')
  await page.getByRole('button', { name: 'Answer again' }).click()
  await expect(refusal).toHaveText('Not again.')

  await go('elsewhere')
  await expect(page.getByRole('log')).toContainText('What elsewhere said')
  await expect(refusal).toHaveCount(0)
  await go('here')
  await expect(refusal).toHaveText('Not again.')

  await page.evaluate(() => window.stage.add('Then something else', 'failed', 'user'))
  await expect(refusal).toHaveCount(0)
  await page.evaluate(() => window.stage.drop())
  await expect(page.getByRole('article')).toHaveCount(2)
  await expect(refusal).toHaveCount(0)
})

test('an answer is read out when its turn ends here, and at no other time', async ({ page }) => {
  await mountStage(page, { first: 1, last: 2 })
  const said = page.locator('.pc-thread').getByRole('status')
  const go = (id: string) => page.evaluate((id) => window.stage.go(id, ['A question', `What ${id} said`]), id)
  await expect(said).toHaveText('')
  await go('elsewhere')
  await expect(page.getByRole('log')).toContainText('What elsewhere said')
  await expect(said).toHaveText('')

  await page.evaluate(() => window.stage.add('It begins', 'streaming'))
  await expect(said).toHaveText('Assistant is answering.')
  await page.evaluate(() => window.stage.grow(' and it ends.'))
  await page.evaluate(() => window.stage.turn('complete'))
  await expect(said).toHaveText('Assistant: It begins and it ends.')

  // A failure that is taken back leaves an answer at the end that was read out long ago.
  await page.evaluate(() => window.stage.add('What next?', 'sending', 'user'))
  await page.evaluate(() => window.stage.change({ status: 'submitted' }))
  await expect(said).toHaveText('Assistant is answering.')
  await page.evaluate(() => window.stage.turn('failed'))
  await page.evaluate(() => window.stage.change({ status: 'ready' }))
  await expect(said).toHaveText('The message could not be sent.')
  await page.evaluate(() => window.stage.drop())
  await expect(said).toHaveText('')

  // Left in the middle of an answer, and found again after its end.
  await page.evaluate(() => window.stage.change({ status: 'streaming' }))
  await expect(said).toHaveText('Assistant is answering.')
  await page.evaluate(() => window.stage.change({ status: 'ready' }))
  await go('here')
  await expect(page.getByRole('log')).toContainText('What here said')
  await expect(said).toHaveText('')
})

test('an answer that broke off is said so, and can be asked for again', async ({ page }) => {
  await mountStage(page, { first: 1, last: 3 })
  const said = page.locator('.pc-thread').getByRole('status')
  await page.evaluate(() => window.stage.add('**As far** as it went', 'streaming'))
  await expect(said).toHaveText('Assistant is answering.')
  await page.evaluate(() => window.stage.turn('failed'))
  const answer = page.getByRole('article', { name: 'Assistant answered' }).last()
  await expect(answer).toContainText('As far as it went')
  await expect(answer).toContainText('The answer broke off.')
  await expect(answer.getByRole('button', { name: 'Answer again' })).toBeVisible()
  await expect(said).toHaveText('Assistant: As far as it went The answer broke off.')
})

test('what could not be read is said, with a way on', async ({ page }) => {
  await mountStage(page, { first: 1, last: 2 })
  const alert = page.locator('.pc-thread').getByRole('alert')
  const done: string[] = []
  await page.exposeFunction('did', (what: string) => void done.push(what))
  await page.evaluate(() => {
    const error = { ...window.stage.refusal('The server did not answer.').detail, code: 'network' as const, verdict: null }
    const { did } = window as unknown as { did: (what: string) => void }
    window.stage.change({ error, status: 'error', clearError: () => did('cleared'), refetch: async () => did('refetched') })
  })
  await expect(alert).toContainText('The server did not answer.')
  await alert.getByRole('button', { name: 'Dismiss' }).click()

  await page.evaluate(() => window.stage.go('empty', []))
  await expect(alert).toContainText('This conversation could not be loaded.')
  await alert.getByRole('button', { name: 'Try again' }).click()
  expect(done).toEqual(['cleared', 'refetched'])
})

test('what waited and goes out by itself does not move what is being read', async ({ page }) => {
  await mountStage(page, { first: 1, last: 100 })
  const log = page.getByRole('log')
  await page.evaluate(() => window.stage.change({ queue: [{ ...window.stage.queued('Later'), id: 'message-101' }] }))
  await log.evaluate((box) => (box.scrollTop = 2000))
  await expect(page.getByRole('button', { name: 'To the newest message' })).toBeVisible()
  await page.evaluate(() => {
    window.stage.change({ queue: [] })
    window.stage.add('Later', 'sending', 'user')
  })
  await expect(page.getByText('Later')).toBeAttached()
  await expect(page.getByRole('button', { name: 'To the newest message' })).toBeVisible()
  // What is sent now is another matter.
  await page.evaluate(() => window.stage.turn('complete'))
  await page.evaluate(() => window.stage.add('Now', 'sending', 'user'))
  await expect(page.getByRole('button', { name: 'To the newest message' })).toHaveCount(0)
})

test('another function to edit with renders no message anew', async ({ page }) => {
  await mountStage(page, { first: 1, last: 300, editsAnew: true })
  await page.evaluate(() => window.stage.add('It begins. ', 'streaming'))
  await expect(page.getByRole('article').last()).toContainText('It begins.')
  await page.evaluate(() => window.stage.rendered())
  await page.evaluate(() => window.stage.grow('more '))
  await expect(page.getByRole('article').last()).toContainText('more')
  expect(await page.evaluate(() => window.stage.rendered().ids)).toEqual(['message-301'])
})
