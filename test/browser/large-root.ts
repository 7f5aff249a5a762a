import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Lines that are written at a time. */
const LINES_PER_PIECE = 10_000

/**
 * Makes a task root as a run leaves it in which 8 workers had one attempt at each of these tasks: every fiftieth failed.
 * What only the store needs is left out: events, and the directories of tasks, so that a million are made soon. All tasks
 * but `stateCount` are OPEN therefore.
 *
 * @param stateCount - The first tasks have a directory with their state.
 */
export function makeLargeRoot(
  root: string,
  { taskCount, stateCount }: { readonly taskCount: number; readonly stateCount: number },
): void {
  const instance = '0123456789abcdef'
  const directory = join(root, '.mpibatch/i', instance)
  mkdirSync(directory, { recursive: true })
  const startMs = Date.UTC(2026, 0, 2, 3, 4, 5)
  const info = { instance, host: 'node', bootId: 'b', pidNamespace: 'p', pid: 1, startTime: '1' }
  const text = {
    format: 'mpibatch instance',
    version: 1,
    ...info,
    startedAtMs: startMs,
    command: 'run -j 8 -- ./work',
  }
  writeFileSync(join(directory, 'info.json'), `${JSON.stringify(text)}\n`)
  const manifest = join(root, '.mpibatch/manifest')
  writeFileSync(manifest, `${JSON.stringify({ format: 'mpibatch manifest', version: 1, instance })}\n`)
  writePieces(manifest, taskCount, (index) =>
    JSON.stringify({ name: nameOf(index), fingerprint: 'f', summary: './work' }),
  )
  writeFileSync(join(directory, 'life.1'), 'ALIVE\n')
  writeFileSync(join(directory, 'life.2'), 'EXITED\n')
  const freeAt = new Float64Array(8).fill(startMs)
  writePieces(join(directory, 'attempts.0'), taskCount, (index) => {
    const worker = freeAt.indexOf(Math.min(...freeAt))
    const startedAtMs = (freeAt[worker] ?? 0) + 3
    const durationMs = 20 + ((index * 7919) % 1000) ** 2 / 2000
    freeAt[worker] = startedAtMs + durationMs
    const failed = index % 50 === 7
    return JSON.stringify({
      ...{
        kind: 'end',
        task: nameOf(index),
        slot: 1,
        attempt: 1,
        state: failed ? 'FAILED' : 'DONE',
        host: 'node',
      },
      ...{
        atMs: startedAtMs + durationMs,
        reason: failed ? 'exit' : 'done',
        startedAtMs,
        durationMs,
        worker,
      },
      ...(failed ? { exitCode: 3, message: `exit code 3: row ${index} is singular` } : {}),
    })
  })
  for (let index = 0; index < stateCount; index += 1) {
    mkdirSync(join(root, nameOf(index)))
    writeFileSync(join(root, nameOf(index), 'state'), index % 50 === 7 ? 'FAILED\n' : 'DONE\n')
  }
}

function nameOf(index: number): string {
  return `task_${String(index).padStart(7, '0')}`
}

function writePieces(path: string, count: number, lineOf: (index: number) => string): void {
  for (let from = 0; from < count; from += LINES_PER_PIECE) {
    const length = Math.min(LINES_PER_PIECE, count - from)
    const lines = Array.from({ length }, (_, at) => `${lineOf(from + at)}\n`)
    writeFileSync(path, lines.join(''), { flag: 'a' })
  }
}
