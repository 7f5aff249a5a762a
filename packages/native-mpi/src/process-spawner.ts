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
  /** The whole environment; nothing is inherited beside it. */
  readonly environment: Readonly<Record<string, string>>
  /** Descriptor that becomes standard output. @defaultValue `/dev/null` */
  readonly stdout?: number | undefined
  /** Descriptor that becomes standard error. @defaultValue `/dev/null` */
  readonly stderr?: number | undefined
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
  /** Number of the process, and of the session and process group that it leads; its own until `ended` is settled. */
  readonly pid: number
  /** When it started by the system's clock, in ticks since boot (proc(5)); `undefined` if that ticked meanwhile. */
  readonly startTick: number | undefined
  /** Rejects if something else in this process has collected the end first, so that nobody knows how it was. */
  readonly ended: Promise<ProcessEnd>
}

/**
 * Makes a process ready to be started by the function that is returned.
 *
 * The process leads a session of its own, reads `/dev/null`, has default signal actions and none of our other
 * descriptors, and is killed when the calling thread ends, also from `kill -9` (prctl(2), PR_SET_PDEATHSIG). As long as
 * one runs, this thread has something to wait for. The start blocks until the program runs or is known not to (vfork(2)).
 *
 * @returns Starts it, once, and throws the system's error, with its `code`, if that fails.
 * @throws ERR_INVALID_ARG_VALUE if a text holds a NUL; {@link MpiError} if the addon can't be loaded.
 */
export function prepareProcess(start: ProcessStart): () => SpawnedProcess {
  const { spawner, running } = openSpawner()
  const { file, argv, directory, environment, stdout = -1, stderr = -1 } = start
  let variables = ''
  for (const [name, value] of Object.entries(environment)) variables += terminated(`${name}=${value}`)
  const words = argv.map(terminated).join('')
  terminated(file)
  terminated(directory)
  return () => {
    const [pid, startTick] = spawner.spawn(file, directory, words, variables, stdout, stderr)
    if (pid < 0) throw systemError(pid, argv[0] ?? file)
    if (running.size === 0) spawner.keepAlive(true)
    return {
      pid,
      startTick: startTick < 0 ? undefined : startTick,
      ended: new Promise((resolve, reject) => running.set(pid, { resolve, reject })),
    }
  }
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

interface Waiting {
  resolve(end: ProcessEnd): void
  reject(error: Error): void
}

interface OpenSpawner {
  readonly spawner: NativeSpawner
  /** Those that wait for the end of a process, by its number. */
  readonly running: Map<number, Waiting>
}

let opened: OpenSpawner | undefined

/** The one of this thread. */
function openSpawner(): OpenSpawner {
  if (opened !== undefined) return opened
  const running = new Map<number, Waiting>()
  const spawner = loadNative().openSpawner((pid, exitCode, signal, isGroupLeft) => {
    const waiting = running.get(pid)
    running.delete(pid)
    if (running.size === 0) spawner.keepAlive(false)
    if (exitCode < 0) waiting?.reject(new Error(`Something else has waited for process ${pid} (ECHILD).`))
    else if (signal === 0) waiting?.resolve({ exitCode, signal: null, isGroupLeft })
    else waiting?.resolve({ exitCode: null, signal, isGroupLeft })
  })
  opened = { spawner, running }
  return opened
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
