// The demo's provider when no real one is configured: an OpenAI-compatible server whose answers are always the same
// for the same question, at a pace one can watch.

import { LLMock } from '@copilotkit/aimock'
import { demoAnswer } from './answers.mjs'

/** About as fast as a middling hosted model. */
const CHUNKS_PER_SECOND = 28
const FIRST_CHUNK_AFTER_MS = 350
/** Characters in a chunk: about a token. */
const CHUNK_SIZE = 5

/** @returns {Promise<{ apiKey: string, baseUrl: string, stop: () => Promise<void> }>} */
export async function startDemoProvider() {
  const mock = new LLMock({ host: '127.0.0.1', port: 0, chunkSize: CHUNK_SIZE, journalMaxEntries: 20 })
  mock.on(
    { predicate: () => true },
    ({ messages }) => ({ content: demoAnswer(messages) }),
    { streamingProfile: { ttft: FIRST_CHUNK_AFTER_MS, tps: CHUNKS_PER_SECOND } },
  )
  const url = await mock.start()
  return { apiKey: 'demo', baseUrl: `${url}/v1`, stop: () => mock.stop() }
}
