/**
 * One of the instances of the stress test: an `mpibatch run --wait` that is started again whenever it has ended before
 * all tasks were DONE.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const PROGRAM = join(import.meta.dirname, '../../packages/cli/bin/mpibatch.mjs')
/** Characters of standard error that are kept. */
const STDERR_LENGTH_MAX = 4000
/** Pause before an instance that ended by itself is started again; it would start in a circle on a full disk. */
const RESTART_MS = 200

/**
 * One process, from its start to its end.
 *
 * @typedef {object} Life
 * @property {number} slot
 * @property {number} taskCount Tasks in the list that it was given.
 * @property {number} pid
 * @property {number} startedAtMs Wall clock, as all times here: the marks of the tasks are compared with them.
 * @property {number} [endedAtMs]
 * @property {number | null} [exitCode]
 * @property {string | null} [signal]
 * @property {string} stdout
 * @property {string} stderr
 * @property {{ what: string, fromMs: number, toMs?: number }[]} troubles
 */

/** See the top of this file. */
export class InstanceSlot {
  /** @type {Life[]} */
  lives = []
  /** @type {Life | undefined} */
  current
  #number
  #environment
  #cwd
  #child
  #stopped = false

  constructor(number, { environment, cwd }) {
    this.#number = number
    this.#environment = environment
    this.#cwd = cwd
  }

  /**
   * Runs one process after another, until one ends with 0 or {@link InstanceSlot.stop} is called.
   *
   * @param {{ argv: readonly string[], taskCount: number }} work - Arguments of mpibatch, and how many tasks that are.
   */
  async keepRunning(work) {
    while (!this.#stopped) {
      const life = await this.#live(work)
      if (life.exitCode === 0) return
      if (life.signal === null) await pause(RESTART_MS)
    }
  }

  /** Starts no further process and kills the one that runs. */
  stop() {
    this.#stopped = true
    this.#child?.kill('SIGKILL')
  }

  /** Kills the program; with `commands` also what it runs, after itself, so that it can't see their end. */
  kill({ commands = false } = {}) {
    const { pid } = this.#child
    const groups = commands ? childrenOf(pid) : []
    this.#note(commands ? 'killed with its commands' : 'killed')
    this.#child.kill('SIGKILL')
    for (const group of groups) signalGroup(group)
  }

  /** Stops the program, not its commands, for so long. */
  async freeze(durationMs) {
    const child = this.#child
    const trouble = this.#note('frozen')
    child.kill('SIGSTOP')
    await pause(durationMs)
    trouble.toMs = Date.now()
    child.kill('SIGCONT')
  }

  #note(what) {
    const trouble = { what, fromMs: Date.now() }
    this.current.troubles.push(trouble)
    return trouble
  }

  async #live({ argv, taskCount }) {
    const child = spawn(process.execPath, [PROGRAM, ...argv], {
      cwd: this.#cwd,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const life = {
      slot: this.#number,
      taskCount,
      pid: child.pid,
      startedAtMs: Date.now(),
      stdout: '',
      stderr: '',
      troubles: [],
    }
    this.lives.push(life)
    this.#child = child
    this.current = life
    child.stdout.setEncoding('utf8').on('data', (text) => {
      life.stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      life.stderr = (life.stderr + text).slice(-STDERR_LENGTH_MAX)
    })
    await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (exitCode, signal) => {
        Object.assign(life, { exitCode, signal, endedAtMs: Date.now() })
        resolve()
      })
    })
    this.current = undefined
    return life
  }
}

/** Process numbers of the children of a process; each command of a task leads a group of this number. */
function childrenOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    return text === '' ? [] : text.split(' ').map(Number)
  } catch {
    return []
  }
}

function signalGroup(group) {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // It has ended by itself meanwhile.
  }
}
