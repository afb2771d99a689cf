// A server that says what a test tells it to, with the platform's own Request, Response and ReadableStream.

let state
let slept = 0
const now = Date.now
Date.now = () => now() + slept

/** The machine sleeps: its clock goes on, its timers do not. */
export const sleep = (millis) => void (slept += millis)

export function install(usage) {
  slept = 0
  state = { requests: [], stream: null, rejection: null, aborted: false, usage }
  globalThis.fetch = async (request) => {
    const path = new URL(request.url).pathname
    state.requests.push({ path, body: request.method === 'POST' ? await request.text() : '' })
    if (state.rejection) throw state.rejection.value
    if (path.endsWith('/rpc/quota_status')) return json(status())
    if (path.endsWith('/rpc/list_conversations')) return json({ conversations: [], hasMore: false })
    if (path.endsWith('/functions/v1/chat')) return stream(request.signal)
    return json({ code: 'PT404', message: 'unknown' }, 404)
  }
}

const json = (body, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })

const status = () => ({
  usage: JSON.parse(state.usage),
  tiers: [],
  prices: [],
  defaultModel: 'gpt',
  agents: [],
})

function stream(signal) {
  const body = new ReadableStream({
    start(controller) {
      state.stream = controller
      signal.addEventListener('abort', () => {
        state.aborted = true
        controller.error(signal.reason)
      })
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

/** In two pieces, so that no event arrives as it was sent. */
export function say(text) {
  const bytes = new TextEncoder().encode(text)
  const half = bytes.length >> 1
  state.stream.enqueue(bytes.slice(0, half))
  state.stream.enqueue(bytes.slice(half))
}

export const count = (path) => state.requests.filter((it) => it.path.includes(path)).length
export const body = (path) => state.requests.findLast((it) => it.path.includes(path)).body
export const aborted = () => state.aborted
export const reject_with = (value) => void (state.rejection = { value })
export const sign_in = (token) => void (state.token = token)
export const play = () => void (state.rejection = null)

const { port1, port2 } = new MessageChannel()
export const moment = () =>
  new Promise((then) => {
    port1.onmessage = then
    port2.postMessage(null)
  })

const paint = requestAnimationFrame.bind(globalThis)
export const frame = () => new Promise((then) => paint(() => setTimeout(then, 0)))

/** As a page that counts as visible and is not: frames are promised, and none comes. */
export const stop_painting = () => void (globalThis.requestAnimationFrame = () => 0)
export const go_on_painting = () => void (globalThis.requestAnimationFrame = paint)

export function token_of(user) {
  return `head.${btoa(JSON.stringify({ sub: user }))}.sign`
}

export function access_token(kind, token) {
  if (kind === 'throw') return () => { throw new Error('no token today') }
  if (kind === 'null') return () => null
  return async () => state.token ?? token
}
