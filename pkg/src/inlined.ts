import { GZIPPED } from '../wasm/inlined.js'

/** The module out of a script: for where no file can be served. */
export function inlined(): Response {
  const bytes = Uint8Array.from(atob(GZIPPED), (character) => character.charCodeAt(0))
  const unzipped = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Response(unzipped, { headers: { 'content-type': 'application/wasm' } })
}
