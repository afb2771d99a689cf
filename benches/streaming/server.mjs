// One server for both sides: their pages, and the same answer at the same pace, in the words each of them speaks.

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { UI_MESSAGE_STREAM_HEADERS } from 'ai'
import { CONVERSATION, text, USER } from './names.js'

export const DELTAS = 4_000
export const DELTAS_PER_SECOND = 800
/** As often as a timer of Node rings at this pace without falling behind. */
const TICK_MS = 5

const ANSWER = '01990000-0000-7000-8000-0000000000aa'
const FAR = 86_400_000

/** As the edge function says them: supabase/functions/chat/events.ts. What may not be stored, Chromium hands over in one piece. */
const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
}

const TYPES = { '.css': 'text/css', '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' }

/** Words of different lengths, a line end now and then. */
const deltas = Array.from({ length: DELTAS }, (_, n) => (n % 60 === 59 ? 'end.\n\n' : ['some ', 'words ', 'of ', 'an ', 'answer '][n % 5]))

/** @param {string} dir The built pages. */
export async function startServer(dir) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost')
    if (request.method === 'POST') return answer(pathname, await body(request), response)
    const bytes = await readFile(join(dir, normalize(pathname))).catch(() => null)
    if (bytes === null) return response.writeHead(404).end()
    response.writeHead(200, { 'content-type': TYPES[extname(pathname)] ?? 'text/plain' }).end(bytes)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function body(request) {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  return JSON.parse(text || '{}')
}

function answer(path, request, response) {
  const json = (value) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  if (path.endsWith('/quota_status')) return json({ usage: usage(), tiers: [quotas], prices: [], defaultModel: 'm', agents: [] })
  if (path.endsWith('/list_conversations')) return json({ conversations: [conversation()], hasMore: false })
  const history = /^\/(\d+)\/.*get_messages_paginated$/.exec(path)
  if (history) return json(page(Number(history[1])))
  if (path.endsWith('/functions/v1/chat')) return streamOurs(request, response)
  if (path === '/peer/chat') return streamPeer(response)
  response.writeHead(404).end()
}

// ------------------------------------------------------------ production-chat

const quotas = {
  tier: 'enterprise',
  price_usd_per_month: 99,
  max_messages_per_day: 2000,
  max_messages_per_hour: 500,
  max_messages_per_conversation: 1_000_000,
  max_conversations: 5000,
  max_cost_per_day_micro_usd: 4_000_000,
  max_output_tokens: 5_000,
  context_token_budget: 8_000,
  agents: null,
  file_uploads: true,
  streaming: true,
  priority: 2,
  custom_integrations: true,
}

let version = 0
function usage() {
  const now = Date.now()
  const none = { used: 0, held: 0 }
  return {
    version: ++version,
    serverTime: now,
    organization: { id: USER, name: 'Bench', timeZone: 'UTC', role: 'owner' },
    license: { tier: 'enterprise', status: 'active', expiresAt: null },
    quotas,
    messagesToday: none,
    messagesThisHour: none,
    costTodayMicroUsd: none,
    conversations: { used: 1, held: 0 },
    organizationMessagesToday: { ...none, max: null },
    organizationCostThisMonthMicroUsd: { ...none, max: null },
    hourFreesAt: [],
    dayResetsAt: now + FAR,
    monthResetsAt: now + FAR,
    liveTurnIds: [],
  }
}

function conversation() {
  return { id: CONVERSATION, title: 'Bench', agent: 'executive', messageCount: 0, createdAt: 0, updatedAt: Date.now() }
}

function message(seq, more) {
  const id = `01990000-0000-7000-8000-${String(seq).padStart(12, '0')}`
  return {
    id,
    turnId: id,
    conversationId: CONVERSATION,
    seq,
    role: seq % 2 === 0 ? 'assistant' : 'user',
    content: text(seq),
    status: 'complete',
    createdAt: seq,
    costMicroUsd: null,
    ...more,
  }
}

/** All of it in one page, so that the run begins with it. */
function page(count) {
  const messages = Array.from({ length: count }, (_, index) => message(count - index))
  return { conversation: conversation(), messages, hasMore: false, liveTurnId: null }
}

function streamOurs({ id, content }, response) {
  response.writeHead(200, HEADERS)
  const say = (event, data) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
  const seq = 1_000_000
  const turn = {
    id,
    organizationId: USER,
    conversationId: CONVERSATION,
    agent: 'executive',
    model: 'm',
    trigger: 'submit-message',
    state: 'dispatched',
    answerId: ANSWER,
    userSeq: seq,
    answerSeq: seq + 1,
    streaming: true,
    maxOutputTokens: 5_000,
    holdMicroUsd: 0,
    costMicroUsd: null,
    promptTokens: null,
    completionTokens: null,
    stopRequested: false,
    createdAt: Date.now(),
  }
  const userMessage = message(seq, { id, turnId: id, role: 'user', content })
  response.write(say('accepted', { turn, conversation: conversation(), userMessage, from: 0, usage: usage() }))
  let offset = 0
  pace(
    (delta) => {
      const event = say('delta', { turnId: id, offset, text: delta })
      offset += delta.length
      return event
    },
    response,
    () =>
      say('done', {
        turn: { ...turn, state: 'settled', costMicroUsd: 0 },
        message: message(seq + 1, { id: ANSWER, turnId: id, role: 'assistant', content: deltas.join('') }),
        usage: usage(),
      }),
  )
}

// ------------------------------------------------------------ AI SDK

function streamPeer(response) {
  response.writeHead(200, UI_MESSAGE_STREAM_HEADERS)
  const say = (data) => `data: ${JSON.stringify(data)}\n\n`
  response.write(say({ type: 'start' }) + say({ type: 'text-start', id: '1' }))
  pace(
    (delta) => say({ type: 'text-delta', id: '1', delta }),
    response,
    () => `${say({ type: 'text-end', id: '1' })}${say({ type: 'finish' })}data: [DONE]\n\n`,
  )
}

/** Writes the deltas when they are due, by the clock. */
function pace(say, response, end) {
  const started = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = Math.min(DELTAS, Math.floor(((performance.now() - started) / 1000) * DELTAS_PER_SECOND))
    let chunk = ''
    while (sent < due) chunk += say(deltas[sent++])
    if (chunk) response.write(chunk)
    if (sent < DELTAS) return
    clearInterval(timer)
    response.end(end())
  }, TICK_MS)
  response.on('close', () => clearInterval(timer))
}
