import initWasm from '../wasm/production_chat.js'

/** Where the module is: its address, a server's answer, its bytes, or what was compiled of them. */
export type InitInput = RequestInfo | URL | Response | BufferSource | WebAssembly.Module

let loading: Promise<void> | null = null
let standardInput: () => Promise<InitInput> | InitInput = served

/**
 * Loads the WebAssembly module, once for the page: every call gives the same promise. A client calls it by itself, so
 * an app only needs it to load earlier, or from somewhere else. After a failure the next call tries again.
 *
 * @param input where the module is: a URL, a `Response`, its bytes or a compiled module. Default: beside this file.
 */
export function init(input?: InitInput | Promise<InitInput>): Promise<void> {
  loading ??= initWasm({ module_or_path: input ?? standardInput() }).then(
    () => undefined,
    (reason: unknown) => {
      loading = null
      throw reason
    },
  )
  return loading
}

/** Where the module comes from when `init` is not told. */
export function setStandardInput(input: () => Promise<InitInput> | InitInput): void {
  standardInput = input
}

/**
 * The module as the server has it, at the address that bundlers read out of this very expression. Some set-ups move this
 * file without it (the dependency optimizer of Vite's dev server), and Node does not fetch files: then the copy in a
 * script, which is loaded by nobody else.
 */
async function served(): Promise<InitInput> {
  const url = new URL('../wasm/production_chat_bg.wasm', import.meta.url)
  if (url.protocol !== 'file:') {
    // Rejects where a Content-Security-Policy has no `connect-src 'self'`.
    const response = await fetch(url).catch(() => null)
    if (response !== null && isModule(response)) return response
  }
  const { inlined } = await import('./inlined.js')
  return inlined()
}

/** A server for single pages answers with its page where there is no file. */
function isModule(response: Response): boolean {
  return response.ok && !(response.headers.get('content-type') ?? '').startsWith('text/html')
}
