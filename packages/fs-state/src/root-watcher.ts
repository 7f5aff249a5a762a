/**
 * Tells that something in a task root may have changed because of another instance.
 *
 * Purpose: whoever waits for others, or shows what they do, looks again soon after they did something, and seldom
 * otherwise. It is a hint: what has changed, and whether anything has, only a look at the tasks tells.
 *
 * How: the root is looked at once per heartbeat. On a file system that one machine alone has mounted, the system also
 * tells at once; elsewhere it would tell of this machine's changes only, and it may refuse, as when a user watches too
 * many files already.
 *
 * Limits: an instance shows its progress in its logs, a little before the task's `state` changes; so the last of
 * several changes is told again two paces later. A claim by a script shows in no log, and the end of an instance is
 * found by the next look. Look again after some seconds, whatever comes from here.
 */
import { resolve } from 'node:path'
import type { FileLayer } from './file-layer.ts'
import { fileSystemClass } from './file-system-class.ts'
import { codeOf } from './io-error.ts'
import { defaultTimings } from './liveness-timings.ts'
import { nodeFileLayer } from './node-file-layer.ts'
import { LivingInstances, lookAtRoot, type RootLook, type WatchedRoot } from './root-looks.ts'
import { RootNotices } from './root-notices.ts'
import { instancesDirectory, statePath } from './store-paths.ts'

/** What comes within this time counts as one change, milliseconds. */
const GATHER_MS = 50
/** Shortest time between two tellings, milliseconds. */
const PACE_MS = 500
/** Task directories that are watched at most. */
export const WATCHED_TASKS_MAX = 200
/** Logs of which the system tells at most; a rank of an instance has two. */
const LOGS_MAX = 300

/** Options of {@link watchRoot}. */
export interface WatchRootOptions {
  /** The instance that watches: its own changes are no news. */
  readonly instance?: string
  /** Time between two looks. @defaultValue a heartbeat of the file system's class */
  readonly intervalMs?: number
  /** Only look, although the system tells. @defaultValue false */
  readonly polling?: boolean
  /** Shortest time between two tellings, milliseconds. @defaultValue 500 */
  readonly paceMs?: number
  /** Called after each change. */
  readonly onChange?: () => void
  /** Hears, once, why the system does not tell. */
  readonly onMessage?: (text: string) => void
  /** File system to use. @defaultValue that of `node:fs` */
  readonly files?: FileLayer
}

/** A watch that {@link watchRoot} has begun. It keeps the process alive until it is closed. */
export interface RootWatcher {
  /** Whether the system tells of changes; `false` if the root is looked at in intervals. */
  readonly told: boolean
  /**
   * Waits until something may have changed since the last such call returned `true`, or since the watch began.
   *
   * @returns `false` when the time is over, the signal aborts, or the watch is closed.
   */
  changed(timeoutMs: number, signal?: AbortSignal): Promise<boolean>
  /** Watches `state` in these directories of tasks as well, the first {@link WATCHED_TASKS_MAX}, and in no others. */
  watchTasks(directories: readonly string[]): void
  /** Ends the watch; whoever waits gets `false`. */
  close(): Promise<void>
}

/** Begins to watch a root. Nothing is thrown, also if the root is not there or goes away. */
export function watchRoot(root: string, options: WatchRootOptions = {}): RootWatcher {
  return new FsRootWatcher(resolve(root), options)
}

class FsRootWatcher implements RootWatcher {
  readonly #options: WatchRootOptions
  readonly #watched: WatchedRoot
  readonly #living: LivingInstances
  readonly #intervalMs: number
  readonly #paceMs: number
  readonly #waiting = new Set<(changed: boolean) => void>()
  #stateFiles: ReadonlySet<string> = new Set()
  #notices: Promise<RootNotices | undefined> | undefined
  #lastLook: RootLook = { text: '', logs: [], expectsLog: false }
  #looking: NodeJS.Timeout | undefined
  #gathering: NodeJS.Timeout | undefined
  #echo: NodeJS.Timeout | undefined
  #toldAtMs = Number.NEGATIVE_INFINITY
  #isPending = false
  #closed = false

  constructor(root: string, options: WatchRootOptions) {
    const { files = nodeFileLayer, instance, polling = false } = options
    this.#options = options
    this.#watched = { files, root, instance }
    this.#living = new LivingInstances(this.#watched)
    const { tells, heartbeatMs } = fileSystemOf(files, root)
    this.#paceMs = options.paceMs ?? PACE_MS
    this.#intervalMs = options.intervalMs ?? heartbeatMs
    this.#look()
    if (tells && !polling) this.#listen()
  }

  get told(): boolean {
    return this.#notices !== undefined
  }

  changed(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.#closed || signal?.aborted === true) return Promise.resolve(false)
    if (this.#isPending) {
      this.#isPending = false
      return Promise.resolve(true)
    }
    return new Promise((done) => {
      const end = (changed: boolean): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        this.#waiting.delete(end)
        done(changed)
      }
      const abort = (): void => end(false)
      const timer = setTimeout(abort, timeoutMs)
      signal?.addEventListener('abort', abort)
      this.#waiting.add(end)
    })
  }

  watchTasks(directories: readonly string[]): void {
    const paths = directories.slice(0, WATCHED_TASKS_MAX).map((directory) => statePath(resolve(directory)))
    // A path that is not there would be waited for in its parents, up to the root with all its tasks.
    const { files } = this.#watched
    this.#stateFiles = new Set(paths.filter((path) => files.peek(path) !== undefined))
    if (this.#closed) return
    this.#look()
    this.#extend()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#looking)
    clearTimeout(this.#gathering)
    clearTimeout(this.#echo)
    for (const end of this.#waiting) end(false)
    await (await this.#notices)?.close()
  }

  /** Lets the system tell of everything that the last look has found. */
  #extend(): void {
    const opening = this.#notices
    void opening?.then((notices) => {
      // Meanwhile the watch may have been closed, or begun anew.
      if (this.#closed || notices === undefined || this.#notices !== opening) return
      if (notices.watch(this.#paths())) return
      this.#listen()
      void this.#notices?.then(() => notices.close())
    })
  }

  #paths(): ReadonlySet<string> {
    return new Set([...this.#lastLook.logs.slice(0, LOGS_MAX), ...this.#stateFiles])
  }

  #listen(): void {
    const opening = RootNotices.open(this.#watched.root, {
      living: this.#living,
      paths: this.#paths(),
      listener: { changed: () => this.#notice(), failed: (error) => this.#giveUp(error) },
    })
    this.#notices = opening.catch((error: unknown) => {
      this.#giveUp(error)
      return undefined
    })
  }

  #giveUp(error: unknown): void {
    const notices = this.#notices
    if (this.#closed || notices === undefined) return
    this.#notices = undefined
    void notices.then((open) => open?.close())
    this.#options.onMessage?.(refusal(this.#watched.root, error, this.#intervalMs))
    this.#notice()
  }

  #look(): void {
    this.#lastLook = lookAtRoot(this.#watched, this.#living, this.#stateFiles)
    clearTimeout(this.#looking)
    // The system can't tell of a log that is not there; an instance makes its log when its first task ends.
    const soon = this.told && this.#lastLook.expectsLog
    const waitMs = soon ? Math.min(this.#paceMs, this.#intervalMs) : this.#intervalMs
    this.#looking = setTimeout(() => this.#lookAgain(), waitMs)
  }

  #lookAgain(): void {
    const before = this.#lastLook.text
    this.#look()
    if (this.#lastLook.text === before) return
    this.#extend()
    this.#notice()
  }

  #notice(): void {
    if (this.#closed) return
    clearTimeout(this.#echo)
    this.#echo = setTimeout(() => this.#tell(), 2 * this.#paceMs)
    const waitMs = this.#toldAtMs + this.#paceMs - performance.now()
    this.#gathering ??= setTimeout(
      () => {
        this.#gathering = undefined
        this.#tell()
      },
      Math.max(waitMs, GATHER_MS),
    )
  }

  #tell(): void {
    this.#toldAtMs = performance.now()
    // There may be new logs to be told of, and what is told now need not be found again.
    this.#look()
    this.#extend()
    if (this.#waiting.size === 0) this.#isPending = true
    for (const end of this.#waiting) end(true)
    this.#options.onChange?.()
  }
}

/** Whether the system tells of all changes in a root, and the heartbeat of its class. */
function fileSystemOf(
  files: FileLayer,
  root: string,
): { readonly tells: boolean; readonly heartbeatMs: number } {
  try {
    const mount = files.mountOf(root)
    const fileSystem = fileSystemClass(files.fileSystemType(root), mount)
    // Without the directory of instances there is nothing to hang a watch on.
    const tells = fileSystem.local && files.peek(instancesDirectory(root)) === 'directory'
    return { tells, heartbeatMs: defaultTimings(fileSystem, mount).heartbeatMs }
  } catch {
    return { tells: false, heartbeatMs: 1000 }
  }
}

function refusal(root: string, error: unknown, intervalMs: number): string {
  const code = codeOf(error)
  const reason = error instanceof Error ? error.message : String(error)
  const remedy =
    code === 'ENOSPC' || code === 'EMFILE'
      ? ' Too many files are watched; more are allowed with sysctl fs.inotify.max_user_watches and max_user_instances.'
      : ''
  return `The system does not tell of changes in ${root} (${reason}), so what others do is seen after ${intervalMs / 1000} s.${remedy}`
}
