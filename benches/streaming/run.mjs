// 4,000 deltas at 800 a second into a thread that is stuck to its end: what the page's main thread pays for it.
// Both pages are built for production, run in the same browser, and get the same answer from the same server.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from '@playwright/test'
import { build } from 'vite'
import { DELTAS, DELTAS_PER_SECOND, startServer } from './server.mjs'

const here = import.meta.dirname
const RUNS = [
  { page: 'peer', name: 'AI SDK useChat', messages: 1_000 },
  { page: 'peer', name: '  messages memoized', messages: 1_000, memo: true },
  { page: 'ours', name: 'production-chat', messages: 1_000 },
  { page: 'ours', name: 'production-chat', messages: 100 },
  { page: 'ours', name: 'production-chat', messages: 10_000 },
]

/** Of each the median: what else the machine does comes and goes. In turn, so that it comes to all of them. */
const ROUNDS = 3

export async function run() {
  const flags = JSON.parse(await readFile(join(here, '../../webdriver.json'), 'utf8'))
  const dir = await mkdtemp(join(tmpdir(), 'production-chat-bench-'))
  await build({
    root: here,
    configFile: false,
    logLevel: 'error',
    build: { outDir: dir, rollupOptions: { input: [join(here, 'ours.html'), join(here, 'peer.html')] } },
  })
  const server = await startServer(dir)
  const browser = await chromium.launch({
    executablePath: process.env.CHROME_BIN ?? '/usr/bin/chromium',
    args: flags['goog:chromeOptions'].args,
  })
  try {
    const rounds = []
    for (let round = 0; round < ROUNDS; round++) {
      console.error(`Streaming, round ${round + 1} of ${ROUNDS}`)
      const measured = []
      for (const { page, messages, memo } of RUNS) {
        measured.push(await measure(browser, `${server.url}/${page}.html?messages=${messages}${memo ? '&memo' : ''}`))
      }
      rounds.push(measured)
    }
    print(RUNS.map(({ name, messages }, place) => ({ name, messages, ...medians(rounds.map((measured) => measured[place])) })))
  } finally {
    await browser.close()
    server.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

async function measure(browser, url) {
  const page = await browser.newPage({ viewport: { width: 900, height: 800 } })
  page.on('pageerror', (error) => console.error(error.message))
  await page.goto(url)
  await page.waitForFunction(() => window.isReady)
  // What belongs to loading is over.
  await page.evaluate(() => new Promise((resolve) => requestIdleCallback(resolve)))
  const session = await page.context().newCDPSession(page)
  // Time of the thread's own, so that what else the machine does does not count.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const read = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]))
  }
  const updatesBefore = await page.evaluate(() => window.updates)
  const before = await read()
  const started = performance.now()
  await page.evaluate(() => window.start())
  const seconds = (performance.now() - started) / 1000
  const after = await read()
  const end = await page.evaluate(() => {
    const scroller = document.querySelector('.pc-scroller')
    return { updates: window.updates, fromEnd: scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight }
  })
  await page.close()
  if (end.fromEnd > 2) throw new Error(`${url} lost the end of its thread by ${end.fromEnd} pixels.`)
  return {
    task: after.TaskDuration - before.TaskDuration,
    script: after.ScriptDuration - before.ScriptDuration,
    updates: (end.updates - updatesBefore) / seconds,
    seconds,
  }
}

/** Of each figure by itself. */
function medians(runs) {
  const middle = (name) => runs.map((run) => run[name]).sort((one, other) => one - other)[Math.floor(runs.length / 2)]
  return Object.fromEntries(Object.keys(runs[0]).map((name) => [name, middle(name)]))
}

function print(results) {
  const [peer] = results
  console.log(`\nStreaming: ${DELTAS} deltas at ${DELTAS_PER_SECOND} a second, stuck to the end; medians of ${ROUNDS} rounds\n`)
  console.log('                     messages   main thread          script            updates/s   took')
  for (const { name, messages, task, script, updates, seconds } of results) {
    const share = (value, whole) => `${value.toFixed(2)} s ${`(${Math.round((value / whole) * 100)} %)`.padStart(7)}`
    console.log(
      `${name.padEnd(20)} ${String(messages).padStart(8)}   ${share(task, peer.task).padEnd(19)}  ${share(script, peer.script).padEnd(16)}  ${updates.toFixed(0).padStart(9)}   ${seconds.toFixed(1)} s`,
    )
  }
}
