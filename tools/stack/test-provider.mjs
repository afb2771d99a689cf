// The provider of the edge tests: what it does is asked for by words in the message, so tests do not disturb each other.

import { LLMock } from '@copilotkit/aimock'

const ANSWER = 'An answer of **several** words, with an umlaut (ü), a sign (€) and a face (🙂), so that bytes and characters differ.'
const LONG_ANSWER = Array.from({ length: 40 }, (_, line) => `Line ${line + 1} of an answer that takes a while. `).join('')

/** What ended badly upstream carries a sentence nobody outside may read. */
export const UPSTREAM_SECRET = 'upstream-detail-that-must-stay-inside'

const error = (status, more = {}) => ({ error: { message: UPSTREAM_SECRET, type: 'server_error' }, status, ...more })

export async function startTestProvider() {
  const mock = new LLMock({ host: '127.0.0.1', port: 0, chunkSize: 7 })
  mock
    .onMessage('provider: 500', error(500))
    .onMessage('provider: 400', error(400))
    .onMessage('provider: 429', error(429, { retryAfter: 7 }))
    // The first chunk carries the role and no text.
    .onMessage('provider: break off before text', { content: ANSWER }, { truncateAfterChunks: 1 })
    .onMessage('provider: break off within text', { content: ANSWER }, { truncateAfterChunks: 5, latency: 20 })
    .onMessage('provider: slowly', { content: LONG_ANSWER }, { streamingProfile: { ttft: 20, tps: 110 } })
    .on({ predicate: () => true }, { content: ANSWER })
  const url = await mock.start()
  return { apiKey: 'sk-test-key-of-the-provider', baseUrl: `${url}/v1`, stop: () => mock.stop() }
}
