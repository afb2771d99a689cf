import initWasm, { type InitInput } from '../wasm/production_chat.js'

export type { InitInput }

let loading: Promise<void> | null = null

/**
 * Loads the WebAssembly module, once for the page: every call gives the same promise. A client calls it by itself, so
 * an app only needs it to load earlier, or from somewhere else. After a failure the next call tries again.
 *
 * @param input where the module is: a URL, a `Response`, its bytes or a compiled module. Default: beside this file.
 *   Node, which does not fetch files, needs the bytes.
 */
export function init(input?: InitInput | Promise<InitInput>): Promise<void> {
  loading ??= initWasm(input === undefined ? undefined : { module_or_path: input }).then(
    () => undefined,
    (reason: unknown) => {
      loading = null
      throw reason
    },
  )
  return loading
}
