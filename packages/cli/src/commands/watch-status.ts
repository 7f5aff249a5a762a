import { setTimeout as pause } from 'node:timers/promises'
import { openRootView, type TaskReport, watchRoot } from '@mpibatch/fs-state'
import { type RootStatus, rootStatus, statusLine, statusText } from '../output/root-status.ts'

/** Shortest time between two looks at all tasks, milliseconds. */
const PACE_MS = 500
/** Longest time between two looks at all tasks, milliseconds: what nobody tells of is seen then. */
const IDLE_MS = 10_000
/** Part of the time that may be spent on looking: a root of a million tasks takes seconds to read. */
const SHARE_MAX = 0.2
/** Tasks whose `state` is watched: what runs, and what is next. */
const WATCHED_MAX = 200
/** Cursor home, then erase to the end of the screen. */
const CLEAR_SCREEN = '\u001b[H\u001b[2J'

/** How {@link watchStatus} looks and prints. */
export interface WatchStatusOptions {
  readonly json: boolean
  /** Look for changes so often, milliseconds; `undefined` to be told of them where the system does. */
  readonly pollMs: number | undefined
  readonly output: NodeJS.WriteStream
}

/**
 * Shows a root's status, and again after each change, until no task is left to end. A terminal is redrawn; elsewhere a
 * line, or a JSON object, is printed per change.
 */
export async function watchStatus(root: string, options: WatchStatusOptions): Promise<void> {
  const { json, pollMs, output } = options
  const watcher = watchRoot(root, {
    ...(pollMs === undefined ? {} : { polling: true, intervalMs: pollMs }),
    onMessage: (text) => process.stderr.write(`mpibatch: ${text}\n`),
  })
  try {
    let shown = ''
    for (;;) {
      const startedMs = performance.now()
      const { status, watched } = look(root)
      watcher.watchTasks(watched)
      const facts = factsOf(status)
      if (output.isTTY && !json) output.write(CLEAR_SCREEN + statusText(status))
      else if (facts !== shown)
        output.write(json ? `${JSON.stringify(status)}\n` : statusLine(status, new Date()))
      shown = facts
      if (status.open + status.running === 0) return
      const tookMs = performance.now() - startedMs
      await pause(Math.max(PACE_MS, tookMs / SHARE_MAX - tookMs))
      await watcher.changed(IDLE_MS)
    }
  } finally {
    await watcher.close()
  }
}

function look(root: string): { readonly status: RootStatus; readonly watched: readonly string[] } {
  const view = openRootView(root)
  const running: string[] = []
  const open: string[] = []
  const note = ({ name, state }: TaskReport): void => {
    const names = state === 'RUNNING' ? running : state === 'OPEN' ? open : undefined
    if (names !== undefined && names.length < WATCHED_MAX) names.push(name)
  }
  const status = rootStatus(root, view, Date.now(), note)
  const watched = [...running, ...open].slice(0, WATCHED_MAX)
  return { status, watched: watched.map((name) => view.taskDirectory(name)) }
}

/** All of a status but its figures that change by themselves. */
function factsOf(status: RootStatus): string {
  return JSON.stringify({ ...status, ratePerSecond: 0, secondsLeft: 0 })
}
