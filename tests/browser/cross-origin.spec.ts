import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { Readable } from 'node:stream'
import { LLMock } from '@copilotkit/aimock'
import { expect, test } from '@playwright/test'
import { DEMO_PASSWORD, DEMO_USERS, startStack } from '../../tools/stack.mjs'

// The app at one origin, Supabase and its function each at another, as on a hosted project: nothing is forwarded, so the
// browser asks first (preflight) and shows a page only the headers that are exposed to it. The function answers for itself.

type Stack = Awaited<ReturnType<typeof startStack>>

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm' }
const PACKAGE = new URL('../../pkg/', import.meta.url).pathname

let stack: Stack
let provider: LLMock
let app: Server
let supabase: Server
let folder: string
test.beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'production-chat-origins-'))
  provider = new LLMock({ host: '127.0.0.1', port: 0 })
  provider.on({ predicate: () => true }, { content: 'Hello across origins.' })
  stack = await startStack({ dataDir: folder, provider: { apiKey: 'test', baseUrl: `${await provider.start()}/v1` } })
  // The built package and an empty page; nothing of the API.
  app = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://app')
    if (pathname === '/') return void response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>App</title>')
    const type = TYPES[extname(pathname)]
    if (!type || pathname.includes('..')) return void response.writeHead(404).end()
    response.setHeader('Content-Type', type)
    createReadStream(join(PACKAGE, pathname)).on('error', () => response.writeHead(404).end()).pipe(response)
  })
  supabase = createServer((request, response) => void hosted(request, response))
  await Promise.all([app, supabase].map((server) => new Promise<void>((done) => server.listen(0, '127.0.0.1', done))))
})

/** REST and Auth with the headers for other origins that hosted Supabase sends and the local stack does not. */
async function hosted(request: IncomingMessage, response: ServerResponse) {
  const cors = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*, authorization' }
  if (request.method === 'OPTIONS') return void response.writeHead(204, cors).end()
  const body = await new Response(Readable.toWeb(request) as ReadableStream).text()
  const reply = await fetch(`${stack.supabaseUrl}${request.url}`, {
    method: request.method ?? 'GET',
    headers: {
      apikey: stack.keys.publishable,
      'Content-Type': 'application/json',
      ...(request.headers.authorization && { Authorization: request.headers.authorization }),
    },
    ...(body && { body }),
  })
  response.writeHead(reply.status, { ...cors, 'Content-Type': 'application/json' }).end(await reply.text())
}

const originOf = (server: Server) => `http://localhost:${(server.address() as AddressInfo).port}`

test.afterAll(async () => {
  for (const server of [app, supabase]) {
    server.closeAllConnections()
    server.close()
  }
  await stack.stop()
  await provider.stop()
  await rm(folder, { recursive: true, force: true })
})

test('the client works across origins, and a refusal says there when to come back', async ({ page }) => {
  const origins = [originOf(app), originOf(supabase), new URL(stack.functionsUrl).origin]
  expect(new Set(origins).size).toBe(3)
  await page.goto(originOf(app))

  const settings = { supabaseUrl: originOf(supabase), functionsUrl: stack.functionsUrl, supabaseKey: stack.keys.publishable }
  const seen = await page.evaluate(
    async ({ settings, email, password }) => {
      const signIn = await fetch(`${settings.supabaseUrl}/auth/v1/token?grant_type=password`, {
        method: 'POST',
        headers: { apikey: settings.supabaseKey, 'Content-Type': 'application/json' },
        body: JSON.stringify({ email, password }),
      })
      const { access_token: token } = await signIn.json()
      const { createProductionChat } = await import(/* @vite-ignore */ new URL('/dist/index.js', location.href).href)
      const chat = createProductionChat({ ...settings, accessToken: () => token, enforceLimits: false })
      const conversationId = await chat.newConversation()
      const answer = await chat.sendMessage({ conversationId, text: 'Hello from elsewhere' })

      const post = (content: string) =>
        fetch(`${settings.functionsUrl}/chat`, {
          method: 'POST',
          headers: { apikey: settings.supabaseKey, Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
          body: JSON.stringify({ id: crypto.randomUUID(), conversationId: crypto.randomUUID(), newConversation: true, content }),
        })
      const headersOf = ({ headers, status }: Response) => ({
        status,
        retryAfter: headers.get('Retry-After'),
        rateLimit: headers.get('RateLimit'),
        policy: headers.get('RateLimit-Policy'),
      })
      let admitted = headersOf(await post('Two'))
      for (let n = 3; n <= 10; n += 1) {
        const response = await post(`Message ${n}`)
        await response.text()
        admitted = headersOf(response)
      }
      const refused = headersOf(await post('Too many'))
      // The same through the client, which here leaves the decision to the server.
      const error = await chat.sendMessage({ conversationId, text: 'Too many' }).catch((error: unknown) => error)
      return { answer, admitted, refused, error: { code: error.code, retryAt: error.detail.retryAt }, now: Date.now() }
    },
    { settings, email: DEMO_USERS[0]!, password: DEMO_PASSWORD },
  )

  expect(seen.answer).toMatchObject({ role: 'assistant', status: 'complete' })
  expect(seen.admitted).toMatchObject({ status: 200, policy: '"hour";q=10;w=3600, "day";q=20;w=86400' })
  expect(seen.admitted.rateLimit).toMatch(/^"hour";r=0;t=\d+, "day";r=10;t=\d+$/)
  expect(seen.refused).toMatchObject({ status: 429, policy: '"hour";q=10;w=3600, "day";q=20;w=86400' })
  expect(seen.refused.rateLimit).toMatch(/^"hour";r=0;t=\d+/)
  expect(Number(seen.refused.retryAfter)).toBeGreaterThan(3_500)
  expect(seen.error.code).toBe('quota_exceeded')
  expect(seen.error.retryAt).toBeGreaterThan(seen.now + 3_500_000)
})
