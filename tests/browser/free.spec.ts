import { expect } from '@playwright/test'
import { answers, composer, credentials, send, sendAndRead, signIn, watchSends, test } from './helpers.js'

const HOUR_LIMIT = 10

test('the hour is spent: refused in the browser without a request, and by the server when forced', async ({ page }) => {
  test.setTimeout(240_000)
  const sends = watchSends(page)
  await signIn(page, 'free')

  // Before the first answer nothing is known but bounds.
  await composer(page).fill('Message 1')
  await expect(composer(page)).toHaveAccessibleDescription(/ left this hour This message: (up to \$|\$0\.\d{4} to \$)0\.\d{4}$/)
  for (let n = 1; n <= HOUR_LIMIT; n++) {
    await sendAndRead(page, `Message ${n} of this hour`)
    await expect(page.getByRole('meter', { name: 'This hour' })).toHaveAttribute('aria-valuenow', String(HOUR_LIMIT - n))
  }
  expect(sends).toHaveLength(HOUR_LIMIT)

  // (a) The browser knows, says until when, keeps the words and asks nobody.
  const refusal = page.getByRole('alert').filter({ hasText: 'You have sent 10 messages in the last hour' })
  await expect(refusal).toContainText('You can write again at')
  await expect(page.getByRole('timer')).toHaveText(/^(59|60):\d\d$|^1:00:00$|^5\d:\d\d$/)
  await send(page, 'Message 11, one too many')
  await expect(composer(page)).toHaveValue('Message 11, one too many')
  await expect(answers(page)).toHaveCount(HOUR_LIMIT)
  await expect(page.getByText(/Pro .* gives you 100 messages an hour/)).toBeVisible()
  expect(sends).toHaveLength(HOUR_LIMIT)

  // (b) The server refuses the same send, whoever makes it, and nothing is consumed.
  const { token, key } = await credentials(page)
  // What the answers really took is known by now.
  await composer(page).fill('Message 11')
  await expect(composer(page)).toHaveAccessibleDescription(/This message: about \$0\.\d{4}, at most \$0\.\d{4}$/)
  const headers = { authorization: `Bearer ${token}`, apikey: key }
  const status = async () => {
    const response = await page.request.post('/rest/v1/rpc/quota_status', { headers, data: {} })
    expect(response.status()).toBe(200)
    const { usage } = (await response.json()) as { usage: { serverTime: number; hourFreesAt: number[] } }
    return usage
  }
  const { serverTime: _, ...before } = await status()
  const response = await page.request.post('/functions/v1/chat', {
    headers,
    data: {
      id: '01990000-0000-7000-8000-000000000011',
      conversationId: page.url().split('/').at(-1),
      content: 'Message 11, one too many',
    },
  })
  expect(response.status()).toBe(429)
  expect(response.headers()['content-type']).toContain('application/problem+json')
  expect(response.headers()['ratelimit']).toContain('"hour";r=0')
  const { serverTime, ...after } = await status()
  expect(after).toEqual(before)

  const retryAfter = Number(response.headers()['retry-after'])
  const freesIn = ((before.hourFreesAt[0] ?? 0) - serverTime) / 1000
  expect(Math.abs(retryAfter - freesIn)).toBeLessThanOrEqual(1.5)
  const problem = (await response.json()) as { code: string; violations: { limit: string; retryAt: number }[] }
  expect(problem.code).toBe('quota_exceeded')
  expect(problem.violations).toEqual([
    expect.objectContaining({ limit: 'messages_per_hour', used: 10, held: 0, max: 10, retryAt: before.hourFreesAt[0] }),
  ])

  // (c) Or it waits until the limit lifts, through a reload, and can be taken back.
  await composer(page).fill('Message 11, later then')
  await page.getByRole('button', { name: 'Send it then' }).click()
  const waiting = page.getByRole('article', { name: 'Waiting to be sent' })
  await expect(waiting).toContainText('Goes out at')
  await expect(composer(page)).toHaveValue('')
  await page.reload()
  await expect(waiting).toContainText('Message 11, later then')
  await waiting.getByRole('button', { name: 'Take back' }).click()
  await expect(waiting).toHaveCount(0)
  await expect(composer(page)).toHaveValue('Message 11, later then')
  expect(sends).toHaveLength(HOUR_LIMIT)
})
