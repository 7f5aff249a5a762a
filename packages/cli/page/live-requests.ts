/** What the page asks the server for, besides the frames. */
import type { About, ActionResult, TaskFacts, TaskNames } from '#src/serve/live-routes'

/** A piece of a log. */
export interface LogPiece {
  readonly bytes: Uint8Array
  readonly from: number
  readonly size: number
  readonly file: string
}

/** An answer that is no success: what the server says of it. */
class RefusedError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

async function ask(path: string, query: Readonly<Record<string, string>> = {}): Promise<Response> {
  const answer = await fetch(`${path}?${new URLSearchParams(query)}`)
  if (!answer.ok) throw new RefusedError(answer.status, await answer.text())
  return answer
}

/** Asks what is served, and whether tasks may be opened again. */
export async function askAbout(): Promise<About> {
  return (await ask('/api/about')).json()
}

/** Asks for the names of all tasks, and which list they are of. */
export async function askNames(): Promise<TaskNames> {
  return (await ask('/api/names')).json()
}

/** Asks what is known of a task. */
export async function askTask(task: string): Promise<TaskFacts> {
  return (await ask('/api/task', { task })).json()
}

/** Asks why a task is in its state, and what happens next. */
export async function askExplanation(task: string): Promise<string> {
  return (await ask('/api/explanation', { task })).text()
}

/** Asks for a part of what a task has printed; `undefined` if there is no such file. */
export async function askLog(
  task: string,
  file: string,
  range: { readonly from?: number; readonly before?: number },
): Promise<LogPiece | undefined> {
  const numbers = Object.entries(range).map(([key, value]) => [key, String(value)])
  try {
    const answer = await ask('/api/log', { task, file, ...Object.fromEntries(numbers) })
    const { headers } = answer
    return {
      bytes: new Uint8Array(await answer.arrayBuffer()),
      from: Number(headers.get('x-log-from')),
      size: Number(headers.get('x-log-size')),
      file: headers.get('x-log-file') ?? '',
    }
  } catch (error) {
    if (error instanceof RefusedError && error.status === 404) return undefined
    throw error
  }
}

/** Has tasks opened again: these, or all that can be. */
export async function openAgain(
  action: 'retry' | 'recover',
  tasks: readonly string[],
): Promise<ActionResult> {
  const answer = await fetch(`/api/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-mpibatch-action': '1' },
    body: JSON.stringify({ tasks }),
  })
  const text = await answer.text()
  if (answer.headers.get('content-type')?.startsWith('application/json') === true) return JSON.parse(text)
  return { done: false, said: [text] }
}
