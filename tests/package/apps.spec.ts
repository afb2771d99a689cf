import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import { node } from './support/install.mjs'
import { policyFor, serve } from './support/static.mjs'
import { address, chat, startServer, test } from './support/test.js'

// The tarball in the bundlers people have: none has a plugin or a setting for it.

/** Which files of WebAssembly a page has loaded; none when the module came out of a script. */
function watchWasm(page: Page): string[] {
  const urls: string[] = []
  page.on('response', (response) => {
    if (response.ok() && response.headers()['content-type'] === 'application/wasm') urls.push(response.url())
  })
  return urls
}

for (const { vite, react, apps } of [
  { vite: 8, react: '19', apps: 'current' },
  { vite: 7, react: '18', apps: 'previous' },
] as const) {
  test.describe(`Vite ${vite}, React ${react}`, () => {
    test('built', async ({ page, keep, told, current, previous }) => {
      const dir = { current, previous }[apps]
      await node(dir, 'node_modules/vite/bin/vite.js', 'build', 'vite')
      const url = await keep(serve(join(dir, 'vite/dist'), { policy: policyFor(told) }))
      const wasm = watchWasm(page)
      await chat(page, `${url}/index.html`, told)
      expect(wasm).toHaveLength(1)
      await expect(page.getByRole('main')).toHaveAttribute('data-react', new RegExp(`^${react}\\.`))
    })

    test('its dev server', async ({ page, keep, told, current, previous }) => {
      const dir = { current, previous }[apps]
      const vite = join(dir, 'node_modules/vite/bin/vite.js')
      const url = await keep(startServer('Vite', vite, 'dev', join(dir, 'vite'), '--host=127.0.0.1', '--port=0'))
      await chat(page, url, told)
    })
  })
}

test('webpack 5', async ({ page, keep, told, current }) => {
  await node(current, 'webpack/build.mjs')
  const url = await keep(serve(join(current, 'webpack'), { policy: policyFor(told) }))
  const wasm = watchWasm(page)
  await chat(page, `${url}/index.html`, told)
  expect(wasm).toHaveLength(1)
})

test('Next.js: rendered on the server, alive in the browser', async ({ page, keep, told, current }) => {
  test.setTimeout(240_000)
  const next = join(current, 'node_modules/next/dist/bin/next')
  await node(current, next, 'build', 'next')
  const url = await keep(startServer('Next.js', next, 'start', join(current, 'next'), '--port=0'))
  const html = await (await fetch(url)).text()
  expect(html).toContain('aria-label="Your plan"')
  const wasm = watchWasm(page)
  await chat(page, url, told)
  expect(wasm).toHaveLength(1)
})

test.describe('a page without a bundler', () => {
  test('loads the module beside the script', async ({ page, keep, told, current }) => {
    const url = await keep(serve(current, { policy: policyFor(told) }))
    const wasm = watchWasm(page)
    await ask(page, address(`${url}/plain/plain.html`, told))
    expect(wasm).toHaveLength(1)
  })

  test('finds it in the script where it says so, under a server that gives no WebAssembly', async ({ page, keep, told, current }) => {
    const url = await keep(serve(current, { policy: policyFor(told), withholds: '.wasm' }))
    const failed: string[] = []
    page.on('requestfailed', (request) => failed.push(request.url()))
    page.on('response', (response) => void (response.ok() || failed.push(response.url())))
    await ask(page, address(`${url}/plain/inline.html`, told))
    expect(failed.filter((file) => file.endsWith('.wasm'))).toEqual([])
  })

  test('finds it in the script where the server has lost the file', async ({ page, keep, told, current }) => {
    const url = await keep(serve(current, { policy: policyFor(told), withholds: '.wasm' }))
    await ask(page, address(`${url}/plain/plain.html`, told))
  })

  test('finds it in the script where the policy forbids to fetch it', async ({ page, keep, told, current }) => {
    const policy = policyFor(told).replace("connect-src 'self'", 'connect-src')
    const url = await keep(serve(current, { policy }))
    await ask(page, address(`${url}/plain/plain.html`, told))
  })

  test('says so when the page’s policy forbids WebAssembly', async ({ page, keep, told, current }) => {
    const url = await keep(serve(current, { policy: policyFor(told).replace(" 'wasm-unsafe-eval'", '') }))
    await page.goto(address(`${url}/plain/plain.html`, told))
    await expect(page.getByRole('status')).toHaveText(/could not be loaded/)
  })
})

test.describe('Node', () => {
  for (const { bytes, how } of [
    { bytes: true, how: 'with the bytes given' },
    { bytes: false, how: 'as it comes' },
  ]) {
    test(how, async ({ told, current }) => {
      const { status, content } = JSON.parse(await node(current, 'node.mjs', JSON.stringify({ ...told, bytes })))
      expect(status).toBe('complete')
      expect(content).toContain('Name the decision.')
    })
  }
})

async function ask(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await expect(page.getByRole('status')).toHaveText('ready')
  const field = page.getByRole('textbox', { name: 'Message' })
  await field.fill('Hello without a framework')
  await field.press('Enter')
  await expect(page.getByRole('article')).toHaveAttribute('data-status', 'complete', { timeout: 30_000 })
  await expect(page.getByRole('article')).toContainText('Name the decision.')
}
