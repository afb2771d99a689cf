// A part of the stack that is a process of its own: started, waited for, ended, and never left behind.

import { spawn } from 'node:child_process'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where npm puts the commands of this repository, so that a script works without make as well. */
const BIN = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url))

const START_LIMIT_MS = 120_000
const STOP_LIMIT_MS = 5_000
const LAST_LINES = 20
/** A stack trace may quote a line of minified code. */
const LINE_LENGTH = 300

/**
 * Starts a command; `ready` is its address, once it has printed the line that says where it listens.
 *
 * The child's standard input stays open as long as we live: a child that reads it ends when we do, even by `kill -9`.
 *
 * @param {object} what
 * @param {string} what.name For messages.
 * @param {string} what.command
 * @param {string[]} what.args
 * @param {Record<string, string | undefined>} what.env Added to ours; undefined removes one.
 * @param {(line: string) => string | null} what.address Reads the address out of a line of output, or null.
 * @param {(error: Error) => void} what.died Called when it ends by itself after it had started.
 * @returns {{ ready: Promise<string>, stop: () => Promise<void>, pid: number | undefined }}
 */
export function startProcess({ name, command, args, env, address, died }) {
  const child = spawn(command, args, {
    env: { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH}`, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C reaches us alone, and we end the parts in order.
    detached: true,
  })
  const lines = []
  let stopping = false
  let started = false

  const failure = (why) => {
    const last = lines.slice(-LAST_LINES).map((line) => `\n  ${line}`)
    return new Error(`${name} ${why}.${last.length ? ` Its last lines:${last.join('')}` : ''}`)
  }

  let whenReady, whenFailed
  const ready = new Promise((resolve, reject) => ([whenReady, whenFailed] = [resolve, reject]))
  // Whoever waits for it hears of the failure; nobody waiting is not an error of its own.
  ready.catch(() => {})
  const limit = setTimeout(() => {
    whenFailed(failure(`did not start within ${START_LIMIT_MS / 1000} s`))
    stop()
  }, START_LIMIT_MS)

  const read = (line) => {
    lines.push(line.slice(0, LINE_LENGTH))
    if (lines.length > LAST_LINES) lines.shift()
    const url = started ? null : address(line)
    if (!url) return
    started = true
    clearTimeout(limit)
    whenReady(url)
  }
  for (const stream of [child.stdout, child.stderr]) readLines(stream, read)
  // A child that is gone closes the pipe; 'close' reports that.
  child.stdin.on('error', () => {})

  const ended = new Promise((resolve) => {
    child.on('error', (error) => {
      whenFailed(failure(`could not be started: ${error.message}`))
      resolve()
    })
    child.on('close', (code, signal) => {
      const error = failure(stopping ? 'was stopped' : `ended by itself (${signal ?? `exit code ${code}`})`)
      whenFailed(error)
      if (started && !stopping) died(error)
      resolve()
    })
  }).finally(() => clearTimeout(limit))

  async function stop() {
    stopping = true
    child.kill('SIGTERM')
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
    await ended
    clearTimeout(force)
  }
  return { ready, stop, pid: child.pid }
}

function readLines(stream, read) {
  let rest = ''
  stream.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    for (const line of lines) read(line.trimEnd())
  })
}
