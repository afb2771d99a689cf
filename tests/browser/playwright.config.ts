import { readFileSync } from 'node:fs'
import { defineConfig } from '@playwright/test'

// The demo stack on a port of its own, with fresh data, is started once and ended after the last test. Its address
// comes from its own output, since it takes any free port.
const root = new URL('../..', import.meta.url)
const flags = JSON.parse(readFileSync(new URL('webdriver.json', root), 'utf8')) as {
  'goog:chromeOptions': { args: string[] }
}

export default defineConfig({
  testDir: '.',
  outputDir: '../../test-results',
  // The demo accounts and their quotas are shared, and the machine may have two cores.
  workers: 1,
  fullyParallel: false,
  forbidOnly: process.env['CI'] !== undefined,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: {
    // Set by the server's line below.
    ...(process.env['DEMO_URL'] === undefined ? {} : { baseURL: process.env['DEMO_URL'] }),
    viewport: { width: 1180, height: 760 },
    locale: 'en-US',
    timezoneId: 'UTC',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env['CHROME_BIN'] ?? '/usr/bin/chromium',
      args: flags['goog:chromeOptions'].args,
    },
  },
  webServer: {
    command: 'node tests/browser/serve.mjs',
    cwd: root.pathname,
    wait: { stdout: /ready: (?<demo_url>http\S+)/ },
    timeout: 120_000,
    gracefulShutdown: { signal: 'SIGTERM', timeout: 10_000 },
  },
})
