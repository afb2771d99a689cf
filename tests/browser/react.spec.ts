import { fileURLToPath } from 'node:url'
import { expect, type Page } from '@playwright/test'
import { holdModule, sendAndRead, signIn, test, watchSends } from './helpers.js'

/** Runs `act` in the page, with the page's own client and the stage's components. */
function onStage<Result>(page: Page, act: (chat: any, stage: any) => Promise<Result>): Promise<Result> {
  const path = fileURLToPath(new URL('react-stage.tsx', import.meta.url))
  return page.evaluate(
    async ({ path, act }) => {
      const { chat } = await import(/* @vite-ignore */ new URL('/src/session.ts', location.href).href)
      const stage = await import(/* @vite-ignore */ new URL(`/@fs${path}`, location.href).href)
      return (0, eval)(`(${act})`)(chat, stage)
    },
    { path, act: act.toString() },
  ) as Promise<Result>
}

/** The page anew, without the module until the function returned is called. */
async function reloadWithoutModule(page: Page): Promise<() => void> {
  const arrive = await holdModule(page)
  await page.reload()
  return arrive
}

test('components that show the same conversation never disagree, however React interrupts them', async ({ page }) => {
  await signIn(page, 'enterprise')
  const result = await onStage(page, async (chat, stage) => {
    const conversationId = await chat.newConversation()
    const readers = stage.mountReaders(chat, conversationId)
    await chat.sendMessage({ conversationId, text: 'Grow while they render' })
    readers.unmount()
    return readers.result()
  })
  expect(result.torn).toBe(0)
  expect(result.states).toBeGreaterThan(10)
})

test('while an answer grows, what did not change stays the same object, and every function does', async ({ page }) => {
  await signIn(page, 'enterprise')
  const changed = await onStage(page, async (chat, stage) => {
    const hook = stage.mountNew(chat)
    while (!hook.shown()?.conversationId) await new Promise((resolve) => setTimeout(resolve, 10))
    const answered = hook.shown().sendMessage('Grow word by word')
    while (hook.shown().status !== 'streaming') await new Promise((resolve) => setTimeout(resolve, 1))
    const seen = new Map<string, Set<unknown>>()
    const contents = new Set<string>()
    while (hook.shown().status === 'streaming') {
      const { messages, ...rest } = hook.shown()
      contents.add(messages.at(-1).content)
      for (const [name, value] of Object.entries({ ...rest, question: messages[0] })) {
        if (!seen.has(name)) seen.set(name, new Set())
        seen.get(name)!.add(value)
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await answered
    return { grew: contents.size, others: [...seen].filter(([, values]) => values.size > 1).map(([name]) => name) }
  })
  expect(changed.grew).toBeGreaterThan(5)
  expect(changed.others).toEqual([])
})

test('StrictMode makes one new conversation, not two', async ({ page }) => {
  await signIn(page, 'enterprise')
  const made = await onStage(page, async (chat, stage) => {
    const counter = stage.mountNew(chat)
    while (!document.querySelector('output')?.textContent) await new Promise((resolve) => setTimeout(resolve, 10))
    return counter.made()
  })
  expect(made).toBe(1)
})

test('what unmounts in the middle of an answer hears no more of it, and finds it whole on return', async ({ page }) => {
  const said: string[] = []
  page.on('console', (message) => void (message.type() === 'error' && said.push(message.text())))
  await signIn(page, 'enterprise')
  const states = await onStage(page, async (chat, stage) => {
    const conversationId = await chat.newConversation()
    const readers = stage.mountReaders(chat, conversationId)
    const answered = chat.sendMessage({ conversationId, text: 'Leave me alone' })
    while (chat.conversation(conversationId).getSnapshot().status !== 'streaming') {
      await new Promise((resolve) => requestAnimationFrame(resolve))
    }
    readers.unmount()
    const atUnmount = readers.result().states
    await answered
    const after = readers.result().states
    const again = stage.mountReaders(chat, conversationId)
    while (again.result().states === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    again.unmount()
    return { atUnmount, after, last: chat.conversation(conversationId).getSnapshot().messages.at(-1).status }
  })
  expect(states.after).toBe(states.atUnmount)
  expect(states.last).toBe('complete')
  expect(said).toEqual([])
})

test('the usage of the last days counts what was sent', async ({ page }) => {
  await signIn(page, 'admin')
  await onStage(page, async (chat, stage) => stage.mountHistory(chat))
  const history = page.locator('.history')
  const sent = async () => Number(/^(\d*)/.exec((await history.textContent()) ?? '')?.[1] ?? 0)
  await expect(history).not.toHaveText('loading')
  const before = await sent()
  await sendAndRead(page, 'Count me')
  await history.getByRole('button').click()
  await expect.poll(sent).toBe(before + 1)
  await expect(history).toContainText(/for [1-9]/)
})

test.describe('a new conversation', () => {
  test('is another one after signing out and in, and takes messages', async ({ page }) => {
    await signIn(page, 'enterprise')
    const seen = await onStage(page, async (chat, stage) => {
      const changed = async (before?: string) => {
        while ([undefined, null, before].includes(hook.shown()?.conversationId)) {
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
        return hook.shown().conversationId
      }
      const hook = stage.mountNew(chat)
      const first = await changed()
      chat.signOut()
      const second = await changed(first)
      chat.accessTokenChanged()
      while (chat.account.getSnapshot().status !== 'ready') await new Promise((resolve) => setTimeout(resolve, 10))
      const answer = await hook.shown().sendMessage('Back again')
      return { kept: hook.shown().conversationId === second, status: answer.status, error: hook.shown().error }
    })
    expect(seen).toEqual({ kept: true, status: 'complete', error: null })
  })

  test('is another one for another user, and of another client', async ({ page }) => {
    await signIn(page, 'enterprise')
    const ids = await onStage(page, async (chat, stage) => {
      const tokenOf = (sub: string) => `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify({ sub, exp: 9e9 }))}.`
      let token = tokenOf('00000000-0000-4000-8000-00000000000a')
      const own = () => new chat.constructor({ ...chat.options, accessToken: () => token })
      const ids: string[] = []
      const next = async () => {
        while ([undefined, null, ...ids].includes(hook.shown()?.conversationId)) {
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
        ids.push(hook.shown().conversationId)
      }
      const client = own()
      const hook = stage.mountNew(client)
      await next()
      while (client.account.getSnapshot().userId === null) await new Promise((resolve) => setTimeout(resolve, 10))
      token = tokenOf('00000000-0000-4000-8000-00000000000b')
      client.accessTokenChanged()
      await next()
      hook.give({ client: own() })
      await next()
      return ids
    })
    expect(new Set(ids).size).toBe(3)
  })

  test('talks to the agent that is asked for when the first message is sent', async ({ page }) => {
    await signIn(page, 'enterprise')
    const sends = watchSends(page)
    await onStage(page, async (chat, stage) => {
      const hook = stage.mountNew(chat, { agent: 'research' })
      while (!hook.shown()?.conversationId) await new Promise((resolve) => setTimeout(resolve, 10))
      hook.give({ agent: 'writing' })
      await new Promise((resolve) => setTimeout(resolve, 50))
      await hook.shown().sendMessage('Who reads this?')
    })
    expect(sends.map((send) => send.postDataJSON().agent)).toEqual(['writing'])
  })

  test('is judged by the agent that is asked for', async ({ page }) => {
    await signIn(page, 'free')
    const judged = await onStage(page, async (chat, stage) => {
      const hook = stage.mountNew(chat)
      while (!hook.shown()?.conversationId) await new Promise((resolve) => setTimeout(resolve, 10))
      const isDenied = ({ violations }: { violations: { limit: string }[] }) =>
        violations.some(({ limit }) => limit === 'agent_not_allowed')
      const before = hook.shown().verdict
      hook.give({ agent: 'writing' })
      await new Promise((resolve) => setTimeout(resolve, 50))
      return [before, hook.shown().verdict, hook.shown().check('A draft')].map(isDenied)
    })
    expect(judged).toEqual([false, true, true])
  })

  test('tells of a refusal of what was sent before the module was there', async ({ page }) => {
    await signIn(page, 'enterprise')
    const arrive = await reloadWithoutModule(page)
    const code = onStage(page, async (chat, stage) => {
      const hook = stage.mountNew(chat)
      while (hook.shown() === null) await new Promise((resolve) => setTimeout(resolve, 10))
      await hook.shown().sendMessage('  ').catch(() => undefined)
      await new Promise((resolve) => setTimeout(resolve, 50))
      return hook.shown().error?.code
    })
    await expect(page.locator('output')).toHaveCount(1)
    arrive()
    expect(await code).toBe('invalid_request')
  })
})

test.describe('nothing is loading for ever', () => {
  test('when nobody is signed in', async ({ page }) => {
    await page.goto('/')
    await expect(page.getByRole('button', { name: 'admin@example.com' })).toBeVisible()
    await onStage(page, async (chat, stage) => stage.mountHistory(chat))
    await expect(page.locator('.history')).toContainText('You are signed out.')
  })

  test('when the module cannot be loaded', async ({ page }) => {
    await signIn(page, 'admin')
    await page.route(/\.wasm$|\/inlined\.js/, (route) => route.abort())
    await page.reload()
    await onStage(page, async (chat, stage) => {
      stage.mountHistory(chat)
      stage.mountConversations(chat)
    })
    await expect(page.locator('.history')).toContainText('The chat could not be loaded.')
    await expect(page.locator('.conversation-count')).toHaveText(/The chat could not be loaded\./)
  })
})
