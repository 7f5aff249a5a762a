import { getSystemErrorName } from 'node:util'
import { loadNative, type NativeSpawner } from './native.ts'

/** A program to start, and all that its process is given. */
export interface ProcessStart {
  /** File of the program, seen from `directory`. A text without an interpreter line goes to `/bin/sh`, as by execvp(3). */
  readonly file: string
  /** Its words, the first of which is the name that it finds for itself; at least one. */
  readonly argv: readonly string[]
  /** Working directory. */
  readonly directory: string
  /** The environment; nothing is inherited beside it. The same object for many starts, never changed, is read only once. */
  readonly environment: Readonly<Record<string, string>>
  /** What this start has beside it; none of the names is in `environment`. @defaultValue nothing */
  readonly variables?: Readonly<Record<string, string>> | undefined
  /** Descriptor that becomes standard output. @defaultValue `/dev/null` */
  readonly stdout?: number | undefined
  /** Descriptor that becomes standard error. @defaultValue `/dev/null` */
  readonly stderr?: number | undefined
  /**
   * Shared memory whose only element becomes the number of the process before the program runs, so that other threads can
   * end it whatever this one does; 0 if it does not start. @defaultValue nowhere
   */
  readonly group?: Int32Array | undefined
  /** Milliseconds after which it is too late to start, which fails with ECANCELED. @defaultValue as long as it takes */
  readonly waitMaxMs?: number | undefined
}

/** How a process ended. */
export interface ProcessEnd {
  /** `null` if a signal ended it. */
  readonly exitCode: number | null
  /** Number of the signal; `null` if it exited. */
  readonly signal: number | null
  /** Whether other processes of its group are left; if not, none can come, and the group's number is free. */
  readonly isGroupLeft: boolean
}

/** A process that has started. */
export interface SpawnedProcess {
  /**
   * Number of the process, and of the session and process group that it leads. Its own until `ended` is settled, which is
   * not before all that waits for this object has had its turn.
   */
  readonly pid: number
  /** Milliseconds from the call to the start. */
  readonly waitedMs: number
  /** When it started by the system's clock, in ticks since boot (proc(5)); `undefined` if that ticked meanwhile. */
  readonly startTick: number | undefined
  /** Rejects if something else in this process has collected the end first, so that nobody knows how it was. */
  readonly ended: Promise<ProcessEnd>
}

/**
 * Makes a process ready to be started by the function that is returned.
 *
 * The process leads a session of its own, reads `/dev/null`, has default signal actions and none of our other
 * descriptors, and is killed when this thread ends, also from `kill -9` (prctl(2), PR_SET_PDEATHSIG). As long as
 * one runs, this thread has something to wait for. A thread of the addon starts one after the other and waits until the
 * program runs or is known not to (vfork(2)), so this one can go on.
 *
 * @returns Starts it, once. Rejects with the system's error, with its `code`, if that fails. The descriptors have to stay
 *   open until it is settled.
 * @throws ERR_INVALID_ARG_VALUE if a text holds a NUL; {@link MpiError} if the addon can't be loaded.
 */
export function prepareProcess(start: ProcessStart): () => Promise<SpawnedProcess> {
  const spawner = openSpawner()
  const environment = commonText(start.environment) + textOf(start.variables ?? {})
  const words = start.argv.map(terminated).join('')
  terminated(start.file)
  terminated(start.directory)
  return () => new Promise((resolve, reject) => spawner.spawn(start, words, environment, { resolve, reject }))
}

/** Whether processes can be started in this way: the addon was built, and can be loaded. */
export function canSpawn(): boolean {
  try {
    openSpawner()
    return true
  } catch {
    return false
  }
}

/** Hears of something once. */
interface Waiting<T> {
  resolve(value: T): void
  reject(error: Error): void
}

/** A process that was asked for; its memory is kept as long as the addon may write to it. */
interface Starting extends Waiting<SpawnedProcess> {
  readonly start: ProcessStart
}

/** The processes of this thread. */
class Spawner {
  readonly #native: NativeSpawner
  /** By their numbers at the addon. */
  readonly #starting = new Map<number, Starting>()
  /** By their process numbers. */
  readonly #running = new Map<number, Waiting<ProcessEnd>>()
  #lastId = 0

  constructor() {
    this.#native = loadNative().openSpawner(
      (id, pid, startTick, waitedMs) => this.#onStart(id, { pid, startTick, waitedMs }),
      (pid, exitCode, signal, isGroupLeft) => this.#onEnd(pid, { exitCode, signal, isGroupLeft }),
    )
  }

  spawn(start: ProcessStart, words: string, environment: string, waiting: Waiting<SpawnedProcess>): void {
    const { file, directory, stdout = -1, stderr = -1, waitMaxMs = WAIT_MS_MAX, group } = start
    this.#keepAlive(true)
    this.#lastId = (this.#lastId + 1) % ID_COUNT
    this.#starting.set(this.#lastId, { start, ...waiting })
    this.#native.spawn(this.#lastId, file, directory, words, environment, stdout, stderr, waitMaxMs, group)
  }

  #onStart(id: number, told: { pid: number; startTick: number; waitedMs: number }): void {
    const starting = this.#starting.get(id)
    this.#starting.delete(id)
    const { pid, startTick, waitedMs } = told
    if (pid > 0) {
      const ended = new Promise<ProcessEnd>((resolve, reject) => this.#running.set(pid, { resolve, reject }))
      starting?.resolve({ pid, waitedMs, startTick: startTick < 0 ? undefined : startTick, ended })
      return
    }
    this.#keepAlive(false)
    const { argv, file } = starting?.start ?? { argv: [], file: '' }
    starting?.reject(systemError(pid, argv[0] ?? file))
  }

  #onEnd(pid: number, told: { exitCode: number; signal: number; isGroupLeft: boolean }): void {
    const waiting = this.#running.get(pid)
    this.#running.delete(pid)
    this.#keepAlive(false)
    const { exitCode, signal, isGroupLeft } = told
    if (exitCode < 0) waiting?.reject(new Error(`Something else has waited for process ${pid} (ECHILD).`))
    else if (signal === 0) waiting?.resolve({ exitCode, signal: null, isGroupLeft })
    else waiting?.resolve({ exitCode: null, signal, isGroupLeft })
  }

  /** To be called before the first one is there, and when the last one has gone. */
  #keepAlive(isAlive: boolean): void {
    if (this.#starting.size + this.#running.size === 0) this.#native.keepAlive(isAlive)
  }
}

/** As good as for ever: a hundred days. */
const WAIT_MS_MAX = 100 * 24 * 3600 * 1000
const ID_COUNT = 2 ** 32

let opened: Spawner | undefined

/** The one of this thread. */
function openSpawner(): Spawner {
  opened ??= new Spawner()
  return opened
}

const commonTexts = new WeakMap<object, string>()

/** The text of an environment that others may have too: variables by the dozen, for each of thousands of starts. */
function commonText(environment: Readonly<Record<string, string>>): string {
  const known = commonTexts.get(environment)
  if (known !== undefined) return known
  const text = textOf(environment)
  commonTexts.set(environment, text)
  return text
}

function textOf(variables: Readonly<Record<string, string>>): string {
  const entries = Object.entries(variables)
  return entries.map(([name, value]) => terminated(`${name}=${value}`)).join('')
}

/** A text as execve(2) takes it, with a NUL behind it. */
function terminated(text: string): string {
  if (!text.includes('\0')) return `${text}\0`
  const message = `${JSON.stringify(text)} holds a NUL, which ends a text for the system.`
  throw Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_VALUE' })
}

function systemError(number: number, program: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(number)
  return Object.assign(new Error(`spawn ${program} ${code}`), { errno: number, code, syscall: 'spawn' })
}
