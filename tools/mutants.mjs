// make mutants: breaks the code on purpose and shows which test notices.
//
// Each tests/mutants/<room>/<name>.patch is a small breakage with two lines above the diff:
//   What: what a person would suffer
//   Caught-By: the command that must fail
// They are applied one at a time to a copy of the tree, so the work tree is never touched. First every command is run
// on the unbroken copy: a test that fails anyway catches nothing.
//
// node tools/mutants.mjs [part of a patch's path …]

import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const patchesDir = join(root, 'tests/mutants')
const wanted = process.argv.slice(2)

const patches = readdirSync(patchesDir, { recursive: true })
  .filter((file) => file.endsWith('.patch'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()
  .map((file) => {
    const path = join(patchesDir, file)
    const text = readFileSync(path, 'utf8')
    const header = (name) => new RegExp(`^${name}: (.+)$`, 'm').exec(text)?.[1]
    const what = header('What')
    const caughtBy = header('Caught-By')
    if (!what || !caughtBy) throw new Error(`${relative(root, path)}: the lines "What:" and "Caught-By:" are needed above the diff`)
    return { name: file.replace(/\.patch$/, ''), path, what, caughtBy }
  })
if (patches.length === 0) throw new Error(`no patch in tests/mutants matches ${wanted.join(', ')}`)

const copy = mkdtempSync(join(tmpdir(), 'production-chat-mutants-'))
process.on('exit', () => rmSync(copy, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
for (const file of files.split('\0').filter(Boolean)) {
  mkdirSync(join(copy, dirname(file)), { recursive: true })
  cpSync(join(root, file), join(copy, file), { force: true })
}
for (const folder of ['node_modules', '.tools']) symlinkSync(join(root, folder), join(copy, folder))
execFileSync('git', ['init', '-q'], { cwd: copy })

const PATH = `${join(root, '.tools/bin')}:${join(root, 'node_modules/.bin')}:${process.env.PATH}`
const env = { ...process.env, PATH, CARGO_TARGET_DIR: join(root, 'target/mutants'), NO_COLOR: '1' }
/** A breakage that hangs its test has been noticed as well. */
const TIME_LIMIT_MS = 10 * 60_000
const run = (command) =>
  spawnSync('bash', ['-c', command], { cwd: copy, env, encoding: 'utf8', maxBuffer: 1 << 26, timeout: TIME_LIMIT_MS, killSignal: 'SIGKILL' })
const output = (result) => `${result.stdout}${result.stderr}`

for (const command of new Set(patches.map((patch) => patch.caughtBy))) {
  const result = run(command)
  if (result.status !== 0) {
    console.error(`On the unbroken code this fails already:\n  ${command}\n${output(result).slice(-4000)}`)
    process.exit(1)
  }
}

/** The line of a test runner's output that names the first failing test. */
function firstFailure(text) {
  const patterns = [/^not ok \d+ - (.+)$/m, /^\s*✖ (.+?)(?: \(.*\))?$/m, /^test (.+) \.\.\. FAILED$/m, /^(.+) \.\.\. .*FAILED/m, /^---- (\S+) stdout ----$/m, /^\s+\d+\) (.+)$/m]
  for (const pattern of patterns) {
    const name = pattern.exec(text)?.[1]
    if (name) return name
  }
  return text.trim().split('\n').at(-1)
}

let missed = 0
for (const patch of patches) {
  execFileSync('git', ['apply', patch.path], { cwd: copy })
  const result = run(patch.caughtBy)
  execFileSync('git', ['apply', '--reverse', patch.path], { cwd: copy })
  const caught = result.status !== 0
  if (!caught) missed += 1
  console.log(`${caught ? '✔ caught' : '✖ MISSED'}  ${patch.name}: ${patch.what}`)
  console.log(`            ${caught ? `by: ${firstFailure(output(result))}` : `this passed: ${patch.caughtBy}`}`)
}
console.log(`\n${patches.length - missed} passed, ${missed} failed`)
process.exit(missed === 0 ? 0 : 1)
