import { expect } from '@playwright/test'
import { createProductionChat, type ProductionChatOptions } from 'production-chat'
import { answers, composer, holdModule, questions, send, signIn, startNew, test } from './helpers.js'

// The client without React, as an app without React uses it: in the page, on the page's own client.
const SESSION = '/src/session.ts'

test('a send resolves with its answer, and a message that did not change stays the same object', async ({ page }) => {
  await signIn(page, 'enterprise')
  const seen = await page.evaluate(async (session) => {
    const { chat } = await import(/* @vite-ignore */ new URL(session, location.href).href)
    const conversationId = await chat.newConversation()
    const store = chat.conversation(conversationId)
    const versions = new Map<string, Set<unknown>>()
    const end = store.subscribe(() => {
      for (const message of store.getSnapshot().messages) {
        if (!versions.has(message.id)) versions.set(message.id, new Set())
        versions.get(message.id)?.add(message)
      }
    })
    const answer = await chat.sendMessage({ conversationId, text: 'Count your words' })
    end()
    const [question, answerVersions] = [...versions.values()]
    return {
      role: answer.role,
      status: answer.status,
      length: answer.content.length,
      same: store.getSnapshot() === store.getSnapshot(),
      questionVersions: question?.size ?? 0,
      answerVersions: answerVersions?.size ?? 0,
    }
  }, SESSION)
  expect(seen).toMatchObject({ role: 'assistant', status: 'complete', same: true })
  expect(seen.length).toBeGreaterThan(100)
  // Sending, sent, complete: however many times the answer grew beside it.
  expect(seen.questionVersions).toBeLessThanOrEqual(4)
  expect(seen.answerVersions).toBeGreaterThan(10)
})

test('what is refused here rejects with a ChatError that kept nothing', async ({ page }) => {
  await signIn(page, 'enterprise')
  const refused = await page.evaluate(async (session) => {
    const { chat } = await import(/* @vite-ignore */ new URL(session, location.href).href)
    const conversationId = await chat.newConversation()
    const attempt = (text: string) =>
      chat.sendMessage({ conversationId, text }).then(
        () => null,
        (error: { name: string; code: string; message: string; messageId: string | null }) => ({
          name: error.name,
          code: error.code,
          message: error.message,
          messageId: error.messageId,
          isError: error instanceof Error,
        }),
      )
    return { blank: await attempt('  '), long: await attempt('x'.repeat(16_001)) }
  }, SESSION)
  expect(refused.blank).toMatchObject({ name: 'ChatError', code: 'invalid_request', messageId: null, isError: true })
  expect(refused.long?.message).toContain('16,000')
})

test('a client can be disposed of at any moment, and says so afterwards', async ({ page }) => {
  await signIn(page, 'enterprise')
  const codes = await page.evaluate(async (session) => {
    const { chat } = await import(/* @vite-ignore */ new URL(session, location.href).href)
    const conversationId = await chat.newConversation()
    const code = (error: { code: string }) => error.code
    const during = chat.sendMessage({ conversationId, text: 'Nobody waits for this' }).then(() => 'answered', code)
    chat.dispose()
    chat.dispose()
    const after = chat.sendMessage({ conversationId, text: 'Too late' }).then(() => 'answered', code)
    chat.stop(conversationId)
    return { during: await during, after: await after, shown: chat.account.getSnapshot().status }
  }, SESSION)
  expect(codes).toEqual({ during: 'disposed', after: 'disposed', shown: 'ready' })
})

test('what an app’s listener throws is reported, and keeps the others from nothing', async ({ page }) => {
  await signIn(page, 'enterprise')
  const heard = await page.evaluate(async (session) => {
    const { chat } = await import(/* @vite-ignore */ new URL(session, location.href).href)
    const conversationId = await chat.newConversation()
    const store = chat.conversation(conversationId)
    let account = 0
    let conversation = 0
    let reported = 0
    addEventListener('error', (event) => {
      event.preventDefault()
      if (event.message.includes('The app’s own.')) reported++
    })
    const oops = () => {
      throw new Error('The app’s own.')
    }
    for (const { subscribe } of [chat.account, store]) subscribe(oops)
    chat.account.subscribe(() => account++)
    store.subscribe(() => conversation++)
    const answer = await chat.sendMessage({ conversationId, text: 'Say it to everyone' })
    return { account, conversation, reported, status: answer.status }
  }, SESSION)
  expect(heard.status).toBe('complete')
  expect(heard.account).toBeGreaterThan(0)
  expect(heard.conversation).toBeGreaterThan(3)
  expect(heard.reported).toBeGreaterThan(0)
})

test('who waits or watches learns that the module could not be loaded, or that the client is gone', async ({ page }) => {
  await signIn(page, 'enterprise')
  await page.route(/\.wasm$|\/inlined\.js/, (route) => route.abort())
  await page.reload()
  const seen = await page.evaluate(async (session) => {
    const { chat } = await import(/* @vite-ignore */ new URL(session, location.href).href)
    const store = chat.conversation('01990000-0000-7000-8000-000000000001')
    let told = 0
    store.subscribe(() => told++)
    await chat.refetch('01990000-0000-7000-8000-000000000001')
    await chat.fetchNextPage('01990000-0000-7000-8000-000000000001')
    const { isLoading, isFetching, error } = store.getSnapshot()
    const cause = await chat.sendMessage({ conversationId: '01990000-0000-7000-8000-000000000001', text: 'x' }).catch((e: Error) => e.cause)
    const before = told
    let isOver = false
    chat.account.subscribe(() => (isOver = true))
    chat.dispose()
    return { isLoading, isFetching, code: error?.code, hasCause: cause instanceof Error, before, told, isOver }
  }, SESSION)
  expect(seen).toMatchObject({ isLoading: false, isFetching: false, code: 'network', hasCause: true, isOver: true })
  expect(seen.before).toBeGreaterThan(0)
  expect(seen.told).toBeGreaterThan(seen.before)
})

test('the page can be used before the module is there', async ({ page }) => {
  await signIn(page, 'enterprise')
  const arrive = await holdModule(page)
  await page.reload()
  await expect(page.getByRole('region', { name: 'Your plan' })).toHaveAttribute('aria-busy', 'true')
  await send(page, 'Faster than the module')
  // Nothing keeps it yet but the field.
  await expect(composer(page)).toHaveValue('Faster than the module')
  await expect(composer(page)).toHaveAttribute('readonly')
  arrive()
  await expect(questions(page)).toHaveText(/Faster than the module/)
  await expect(composer(page)).toHaveValue('')
  await expect(answers(page)).toHaveAttribute('data-status', 'complete', { timeout: 30_000 })
})

test('what waits for the module leaves its own field, and no other', async ({ page }) => {
  await signIn(page, 'enterprise')
  const arrive = await holdModule(page)
  await page.goto('/c/01990000-0000-7000-8000-0000000000aa')
  await send(page, 'Sent from here')
  await expect(composer(page)).toHaveAttribute('readonly')
  await page.getByRole('link', { name: 'New conversation' }).click()
  await expect(composer(page)).toHaveValue('')
  await expect(composer(page)).not.toHaveAttribute('readonly')
  await composer(page).fill('Not sent')
  arrive()
  await expect(page.getByRole('meter', { name: 'Today' })).toBeVisible()
  await expect(composer(page)).toHaveValue('Not sent')
  await page.goBack()
  await expect(questions(page)).toHaveText(/Sent from here/)
  await expect(composer(page)).toHaveValue('')
})

test('a module that does not load is said so, loses nothing, and is tried again', async ({ page }) => {
  await signIn(page, 'enterprise')
  const module = /\.wasm$|\/inlined\.js/
  await page.route(module, (route) => route.abort())
  await page.reload()
  const banner = page.getByRole('alert').filter({ hasText: 'The chat could not be loaded.' })
  await expect(banner).toBeVisible()
  await send(page, 'Not lost')
  // Held while it is tried; when that has failed too, the words are there to be changed.
  await expect(composer(page)).not.toHaveAttribute('readonly')
  await expect(composer(page)).toHaveValue('Not lost')

  await page.unroute(module)
  await banner.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByRole('meter', { name: 'Today' })).toBeVisible()
  await expect(banner).toBeHidden()
  await expect(composer(page), 'whoever pressed it goes on where they write').toBeFocused()
  await page.keyboard.press('Enter')
  await expect(answers(page)).toHaveAttribute('data-status', 'complete', { timeout: 30_000 })
  await startNew(page)
})

test('signing out before the module is there is done when it is, in its turn', async ({ page }) => {
  await signIn(page, 'enterprise')
  const arrive = await holdModule(page)
  await page.reload()
  const seen = page.evaluate(async (session) => {
    const { chat } = await import(/* @vite-ignore */ new URL(session, location.href).href)
    const reached = (status: string) =>
      new Promise<void>((resolve) => {
        const look = () => void (chat.account.getSnapshot().status === status && resolve())
        chat.account.subscribe(look)
        look()
      })
    const dropped = chat.signOut()
    const conversationId = await chat.newConversation()
    await reached('signed-out')
    const after = chat.account.getSnapshot()
    chat.accessTokenChanged()
    await reached('ready')
    const { status } = await chat.sendMessage({ conversationId, text: 'Back again' })
    return { dropped, userId: after.userId, status }
  }, SESSION)
  await expect(page.getByRole('region', { name: 'Your plan' })).toBeVisible()
  arrive()
  expect(await seen).toEqual({ dropped: 0, userId: null, status: 'complete' })
})

test('a conversation first watched when the client is gone is not loading', async ({ page }) => {
  await signIn(page, 'enterprise')
  const shown = await page.evaluate(async (session) => {
    const { chat } = await import(/* @vite-ignore */ new URL(session, location.href).href)
    const loading = chat.conversation('01990000-0000-7000-8000-00000000000a')
    loading.subscribe(() => undefined)
    chat.dispose()
    const late = chat.conversation('01990000-0000-7000-8000-00000000000b')
    late.subscribe(() => undefined)
    const { isLoading, isFetching } = late.getSnapshot()
    return { same: late.getSnapshot() === late.getSnapshot(), isLoading, isFetching, wasLoading: loading.getSnapshot().isLoading }
  }, SESSION)
  expect(shown).toEqual({ same: true, isLoading: false, isFetching: false, wasLoading: false })
})

test('an option that is wrong is named at the start, with what it may be', () => {
  const options: ProductionChatOptions = { supabaseUrl: 'http://localhost:54321', supabaseKey: 'key', accessToken: () => null }
  const made = (wrong: Record<string, unknown>) => () => createProductionChat({ ...options, ...wrong })
  expect(made({ defaultTier: 'gold' })).toThrow('defaultTier must be free, pro or enterprise, not "gold".')
  expect(made({ costPer1kTokens: -1 })).toThrow('costPer1kTokens must be a number of US dollars, such as 0.002, not -1.')
  expect(made({ enforceLimits: 'false' })).toThrow('enforceLimits must be true or false, not "false".')
  expect(made({ supabaseUrl: undefined })).toThrow("supabaseUrl must be your project's URL, not undefined.")
  expect(made({ supabaseKey: '' })).toThrow("supabaseKey must be your project's publishable key, not \"\".")
  expect(made({ enforceLimits: null, defaultTier: undefined, costPer1kTokens: 0 })).not.toThrow()
})

test('an option that only the module finds wrong is told by the account and by every send', async ({ page }) => {
  await signIn(page, 'enterprise')
  const told = await page.evaluate(async (session) => {
    const { chat } = await import(/* @vite-ignore */ new URL(session, location.href).href)
    const client = new chat.constructor({ ...chat.options, agent: 1 })
    const attempt = () => client.sendMessage({ conversationId: 'any', text: 'Hello' }).catch((error: unknown) => error)
    const [first, second] = [await attempt(), await attempt()]
    const gone = new chat.constructor(chat.options)
    gone.dispose()
    const ChatError = (await gone.newConversation().catch((error: unknown) => error)).constructor
    const { status, error, isLoadingConversations } = client.account.getSnapshot()
    return { areOurs: first instanceof ChatError && second instanceof ChatError, code: first.code, status, error: error?.code, isLoadingConversations }
  }, SESSION)
  expect(told).toEqual({ areOurs: true, code: 'invalid_request', status: 'error', error: 'invalid_request', isLoadingConversations: false })
})
