/** What the live page asks for, besides its files and what the feed tells. */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, DEFAULT_ROOT } from '@mpibatch/batch-core'
import { explainTask, type TaskReport } from '@mpibatch/fs-state'
import { chooseTasks, RECOVER, RETRY, type Reopening, reopenTasks } from '../commands/reopening.ts'
import { readLiveness } from '../input/liveness-variable.ts'
import { showWords } from '../input/shell-quoting.ts'
import { explanationText } from '../output/explanation.ts'
import { outcomeText, type TaskRecord, taskRecord } from '../output/task-line.ts'
import type { RootFollower } from './root-follower.ts'
import { type LogRange, readLogPiece } from './task-log.ts'

/** An answer; the server adds the headers that all have. */
export interface LiveAnswer {
  readonly status: number
  /** @defaultValue plain text */
  readonly type?: string
  readonly text?: string
  readonly bytes?: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

/** What the server says of itself. */
export interface About {
  readonly root: string
  readonly allowActions: boolean
}

/** The names of all tasks, and which list of the feed they are of. */
export interface TaskNames {
  readonly list: number
  readonly names: readonly string[]
}

/** What the server says of a task. */
export interface TaskFacts extends TaskRecord {
  /** What the task runs. */
  readonly summary: string | null
  /** How the last attempt ended, in a word or two; `null` while the task runs, and where none has. */
  readonly outcome: string | null
}

/** What came of a request to open tasks again. */
export interface ActionResult {
  readonly done: boolean
  readonly said: readonly string[]
}

/** Answers to one kind of request. */
export type LiveRoute = (query: URLSearchParams, body: string) => LiveAnswer | Promise<LiveAnswer>

/** Files that hold what a task has printed; the other members of a worker group have numbers. */
const LOG_NAME = /^(stdout|stderr)(\.[1-9]\d{0,3})?$/

/** The routes, by method and path. Without `allowActions` there is none that changes anything. */
export function liveRoutes(
  root: string,
  follower: RootFollower,
  { allowActions }: { readonly allowActions: boolean },
): ReadonlyMap<string, LiveRoute> {
  const routes = new Map<string, LiveRoute>([
    ['GET /api/names', () => json<TaskNames>({ list: follower.feed.list, names: follower.names() })],
    ['GET /api/about', () => json<About>({ root, allowActions })],
    ['GET /api/task', (query) => withTask(follower, query, (task) => json(taskFacts(task)))],
    ['GET /api/explanation', (query) => withTask(follower, query, (task) => explain(root, task))],
    ['GET /api/log', (query) => withTask(follower, query, (task) => logPiece(follower, task, query))],
  ])
  if (allowActions) {
    const actions = new Actions(root, () => follower.lookAgain())
    routes.set('POST /api/retry', (_query, body) => actions.reopen(RETRY, body))
    routes.set('POST /api/recover', (_query, body) => actions.reopen(RECOVER, body))
  }
  return routes
}

function json<Value>(value: Value, status = 200): LiveAnswer {
  return { status, type: 'application/json; charset=utf-8', text: JSON.stringify(value) }
}

/** Looks a task up by its name, among those that the root has. */
function withTask(
  follower: RootFollower,
  query: URLSearchParams,
  use: (task: TaskReport) => LiveAnswer | Promise<LiveAnswer>,
): LiveAnswer | Promise<LiveAnswer> {
  const task = follower.task(query.get('task') ?? '')
  return task === undefined ? { status: 404, text: 'There is no task of that name.' } : use(task)
}

function taskFacts(task: TaskReport): TaskFacts {
  const hasEnded = task.state !== 'RUNNING' && task.reason !== undefined
  return {
    ...taskRecord(task),
    summary: task.summary ?? null,
    outcome: hasEnded ? outcomeText(task) : null,
  }
}

async function explain(root: string, { name }: TaskReport): Promise<LiveAnswer> {
  const history = await explainTask(root, name, { liveness: readLiveness(process.env.MPIBATCH_LIVENESS) })
  if (history === undefined) return { status: 404, text: 'There is no task of that name.' }
  const words = showWords(root === DEFAULT_ROOT ? [name] : [root, name])
  return { status: 200, text: explanationText(history, words) }
}

/** A piece of a log, with what stands for the file and where in it the piece is. */
function logPiece(follower: RootFollower, task: TaskReport, query: URLSearchParams): LiveAnswer {
  const name = query.get('file') ?? ''
  if (!LOG_NAME.test(name)) return { status: 404, text: 'There is no log of that name.' }
  const directory = follower.taskDirectory(task.name)
  const isOwn = task.directoryFault === undefined && isRealDirectory(directory)
  const piece = isOwn ? readLogPiece(join(directory, name), rangeOf(query)) : undefined
  if (piece === undefined) {
    return {
      status: 404,
      text: `There is no ${name}: the task has not run yet, or its logs were not kept.`,
    }
  }
  return {
    status: 200,
    type: 'application/octet-stream',
    bytes: piece.bytes,
    headers: { 'x-log-from': `${piece.from}`, 'x-log-size': `${piece.size}`, 'x-log-file': piece.file },
  }
}

function rangeOf(query: URLSearchParams): LogRange {
  const [from, before] = [byteOf(query.get('from')), byteOf(query.get('before'))]
  if (from !== undefined) return { from }
  return before === undefined ? { tail: true } : { before }
}

function byteOf(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** Opens tasks again; a request that comes while another is under way is refused. */
class Actions {
  readonly #root: string
  readonly #changed: () => void
  #isBusy = false

  /** @param changed - Is called when tasks may have been opened. */
  constructor(root: string, changed: () => void) {
    this.#root = root
    this.#changed = changed
  }

  async reopen(reopening: Reopening, body: string): Promise<LiveAnswer> {
    if (this.#isBusy)
      return json<ActionResult>({ done: false, said: ['Another request is under way. Try again.'] }, 409)
    const said: string[] = []
    this.#isBusy = true
    try {
      const names = namesOf(body)
      const chosen = chooseTasks(this.#root, reopening, { names, force: false })
      const wanted = { chosen, named: names.length > 0, force: false }
      const done = await reopenTasks(this.#root, reopening, wanted, (text) => said.push(text))
      return json<ActionResult>({ done, said })
    } catch (error) {
      said.push(error instanceof Error ? error.message : String(error))
      return json<ActionResult>({ done: false, said }, error instanceof ConfigError ? 400 : 500)
    } finally {
      this.#isBusy = false
      this.#changed()
    }
  }
}

/** The tasks that a request names; none stands for all. @throws {@link ConfigError} */
function namesOf(body: string): readonly string[] {
  try {
    const { tasks } = JSON.parse(body) as { tasks?: unknown }
    if (Array.isArray(tasks) && tasks.every((name) => typeof name === 'string')) return tasks
  } catch {
    // Said below.
  }
  throw new ConfigError('The request has to name its tasks: {"tasks": []}.')
}

/** Whether a directory is there, and is no link that was put in its place since the tasks were listed. */
function isRealDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
