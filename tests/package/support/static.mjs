// A plain web server for what was built, as strict as a careful host: scripts and WebAssembly of its own, nothing else.

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'

const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
}

/**
 * What production-chat needs of a Content-Security-Policy, as pkg/README.md says it.
 *
 * @param {{ supabase: string, functions: string }} told
 */
export function policyFor({ supabase, functions }) {
  return `default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ${new URL(supabase).origin} ${new URL(functions).origin}`
}

/**
 * @param {string} dir
 * @param {{ policy: string, withholds?: string }} options `withholds`: files of this ending are not found.
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function serve(dir, { policy, withholds }) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const path = normalize(pathname)
    const bytes = withholds && path.endsWith(withholds) ? null : await readFile(join(dir, path)).catch(() => null)
    if (bytes === null) {
      response.writeHead(404).end()
      return
    }
    const type = TYPES[extname(path)] ?? 'application/octet-stream'
    response.writeHead(200, { 'content-type': type, 'content-security-policy': policy }).end(bytes)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
