// The demo, with data that nobody has used yet and that is gone afterwards.

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const data = await mkdtemp(join(tmpdir(), 'production-chat-'))
const demo = spawn(process.execPath, ['tools/demo.mjs', '--data', data, '--port', '0'], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => demo.kill(signal))
demo.on('exit', async (code) => {
  await rm(data, { recursive: true, force: true })
  process.exit(code ?? 1)
})
