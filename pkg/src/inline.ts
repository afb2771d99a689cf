/**
 * The same as `production-chat`, with the WebAssembly module inside the script: for set-ups that cannot serve a file.
 * Import this one before a client is made; `production-chat/react` stays as it is.
 *
 * @packageDocumentation
 */
import { inlined } from './inlined.js'
import { setStandardInput } from './load.js'

setStandardInput(inlined)

export * from './index.js'
