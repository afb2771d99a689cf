import { fileURLToPath } from 'node:url'
import { expect, type Page } from '@playwright/test'
import { sendAndRead, signIn, test } from './helpers.js'

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
