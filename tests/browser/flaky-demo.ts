import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LLMock } from '@copilotkit/aimock'
import { startStack } from '../../tools/stack.mjs'

export interface FlakyDemo {
  url: string
  /** Set while the page runs. */
  provider: { fails: boolean }
  stop: () => Promise<void>
}

/** The demo once more, with a provider that fails when told to. */
export async function startFlakyDemo(): Promise<FlakyDemo> {
  const provider = { fails: false }
  const mock = new LLMock({ host: '127.0.0.1', port: 0 })
  mock.on({ predicate: () => true }, () =>
    provider.fails
      ? { error: { message: 'The model is overloaded.', type: 'server_error' }, status: 500 }
      : { content: 'Here I am again.' },
  )
  const origin = await mock.start()
  const dataDir = await mkdtemp(join(tmpdir(), 'production-chat-flaky-'))
  const stack = await startStack({ dataDir, appPort: 0, provider: { apiKey: 'test', baseUrl: `${origin}/v1` } })
  if (stack.url === null) throw new Error('The stack was started without its app.')
  return {
    url: stack.url,
    provider,
    stop: async () => {
      await stack.stop()
      await mock.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
