/**
 * Reads the environments of other processes, so that nobody waits for ever for one that is stuck.
 *
 * The kernel makes a reader of `/proc/<pid>/environ` wait while that process changes its memory, and one that does so
 * on a file system which does not answer waits for as long as that takes; this is why `ps` hangs on such a machine.
 * So a helper process reads. Where it gets stuck it is killed, which the kernel allows, and another one goes on with
 * the next. A thread would not do: it could not be ended, and a process waits for its threads before it exits.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'

/** Reads the files whose paths come in, a line each, and answers each with its text as a line of JSON. */
const HELPER = `
  require('node:readline').createInterface({ input: process.stdin }).on('line', (path) => {
    let text = ''
    try { text = require('node:fs').readFileSync(path, 'utf8') } catch {}
    process.stdout.write(JSON.stringify(text) + '\\n')
  })`

/** How often silence is looked for, and how many such looks in a row make a file that does not answer. */
const LOOK_MS = 100
const SILENT_LOOKS_MAX = 20

/** A file that did not answer is not asked again for so long. */
const STUCK_MS = 60_000

type Helper = ChildProcessByStdio<Writable, Readable, null>

/** See the top of this file. */
export class ProcessEnvironments {
  readonly #directory: string
  readonly #stuckUntilMs = new Map<string, number>()
  #helper: Helper | undefined
  #last: Promise<unknown> = Promise.resolve()

  /** @param directory - Where processes are shown. @defaultValue `/proc` */
  constructor(directory = '/proc') {
    this.#directory = directory
  }

  /**
   * Reads the variables that processes began with.
   *
   * @returns By process number, entries like `NAME=value`; none for a process that is gone, may not be seen, or is stuck.
   */
  async read(pids: readonly number[]): Promise<ReadonlyMap<number, readonly string[]>> {
    const reading = this.#last.then(() => this.#read(pids))
    this.#last = reading.catch(() => undefined)
    return await reading
  }

  async #read(pids: readonly number[]): Promise<ReadonlyMap<number, readonly string[]>> {
    const texts = new Map<number, readonly string[]>()
    let left = pids.filter((pid) => (this.#stuckUntilMs.get(this.#pathOf(pid)) ?? 0) < performance.now())
    while (left.length > 0) {
      const answers = await this.#ask(left)
      for (const [index, text] of answers.entries()) texts.set(left[index] ?? 0, text.split('\0'))
      const stuck = left[answers.length]
      if (stuck !== undefined) this.#stuckUntilMs.set(this.#pathOf(stuck), performance.now() + STUCK_MS)
      left = left.slice(answers.length + 1)
    }
    return texts
  }

  #pathOf(pid: number): string {
    return `${this.#directory}/${pid}/environ`
  }

  /** Texts of as many files as have answered, in their order; the next one did not. */
  async #ask(pids: readonly number[]): Promise<readonly string[]> {
    if (this.#helper === undefined || hasEnded(this.#helper)) this.#helper = startHelper()
    const helper = this.#helper
    setReferenced(helper, true)
    const outcome = await exchange(
      helper,
      pids.map((pid) => this.#pathOf(pid)),
    )
    setReferenced(helper, false)
    if (outcome.answers.length === pids.length) return outcome.answers
    this.#helper = undefined
    if (outcome.ended) {
      // Without a helper, to read here is better than not to find what has to be ended.
      return pids.map((pid) => readText(this.#pathOf(pid)))
    }
    helper.kill('SIGKILL')
    return outcome.answers
  }
}

/** The environments of this machine's processes. */
export const processEnvironments: ProcessEnvironments = new ProcessEnvironments()

function startHelper(): Helper {
  const helper = spawn(process.execPath, ['-e', HELPER], { env: {}, stdio: ['pipe', 'pipe', 'ignore'] })
  helper.stdout.setEncoding('utf8')
  helper.stdin.on('error', () => undefined)
  helper.on('error', () => undefined)
  return helper
}

function hasEnded({ exitCode, signalCode }: Helper): boolean {
  return exitCode !== null || signalCode !== null
}

/** An idle helper ends with this process, and must not keep it. */
function setReferenced(helper: Helper, isReferenced: boolean): void {
  const handles = [helper, helper.stdin, helper.stdout] as unknown as { ref?(): void; unref?(): void }[]
  for (const handle of handles) isReferenced ? handle.ref?.() : handle.unref?.()
}

interface Exchange {
  readonly answers: readonly string[]
  /** The helper is gone. */
  readonly ended: boolean
}

/** Asks for files; resolves when all have answered, when one has not for too long, or when the helper has ended. */
function exchange(helper: Helper, paths: readonly string[]): Promise<Exchange> {
  return new Promise((resolve) => {
    const answers: string[] = []
    let text = ''
    let silentLooks = 0
    // Looks are counted instead of time: if this process is stopped for a while, that is no silence of the other.
    const timer = setInterval(() => {
      silentLooks += 1
      if (silentLooks >= SILENT_LOOKS_MAX) finish(false)
    }, LOOK_MS)
    const hear = (more: string): void => {
      silentLooks = 0
      const lines = `${text}${more}`.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) answers.push(JSON.parse(line) as string)
      if (answers.length === paths.length) finish(false)
    }
    const leave = (): void => finish(true)
    function finish(ended: boolean): void {
      clearInterval(timer)
      helper.stdout.off('data', hear)
      helper.off('close', leave).off('error', leave)
      resolve({ answers, ended })
    }
    helper.stdout.on('data', hear)
    helper.on('close', leave).on('error', leave)
    helper.stdin.write(`${paths.join('\n')}\n`)
  })
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
