// A page hears of a panic that the module has trapped, and no more: what the panic would have said goes nowhere. So the
// functions that say it trap at once, and what formats text, which the crate does in its own way, is left to the optimizer
// to drop. Four per cent of the module.

import binaryen from 'binaryen'

/** Functions of the standard library from which nothing comes back. */
const ENDS = /^<?(core|alloc|std|__rustc)::.*(panic|_failed\b|_fail\b|handle_error|capacity_overflow|alloc_error)/
/** What only they call, and tables of functions keep alive. */
const SAYS = /\bcore::fmt::|\bcore::any::Any\b/

/** The module with every panic a bare trap. It has to have the names of its functions, and keeps them. */
export function withoutPanics(binary) {
  binaryen.setDebugInfo(true)
  const module = binaryen.readBinary(binary)
  refuseToDropWhatIsNeeded(module.emitText())
  let trapping = 0
  for (let index = 0; index < module.getNumFunctions(); index++) {
    const { name, base } = binaryen.getFunctionInfo(module.getFunctionByIndex(index))
    const isImported = base !== ''
    if (isImported || !isOfPanics(plain(name))) continue
    new binaryen.Function(module.getFunction(name)).body = module.unreachable()
    trapping += 1
  }
  if (trapping === 0) throw new Error('The module has no names, or the standard library has new ones.')
  return module.emitBinary()
}

const isOfPanics = (name) => ENDS.test(name) || SAYS.test(name)

/** Code that formats text by `core::fmt` would trap, so there must be none. */
function refuseToDropWhatIsNeeded(text) {
  let caller = ''
  for (const [, kind, name] of text.matchAll(/^ {1,}\((func|call) \$("[^"]*"|\S+)/gm)) {
    const said = plain(name.replaceAll('"', ''))
    if (kind === 'func') caller = said
    else if (SAYS.test(said) && !isOfPanics(caller)) throw new Error(`${caller} calls ${said}: write text without \`format!\`, \`write!\` and \`to_string\`.`)
  }
}

/** `core[c5930c85a12de822]::fmt::write` is `core::fmt::write`. */
const plain = (name) => name.replaceAll(/\[[0-9a-f]{16}\]/g, '')
