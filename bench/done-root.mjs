/**
 * Task roots of commands in which many tasks are DONE, without running them all: a run that ends at once leaves its list
 * of tasks; directories, states and a journal are then written by hand, as that run would have left them.
 */
import { existsSync, linkSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { expectCount, MPIBATCH, runToEnd } from './run.mjs'

/** Links to one file; ext4 takes 65,000. */
export const LINKS_MAX = 60_000
/** Digits of the number in a task's name, at least. */
export const NAME_DIGITS = 6
const COMMAND = ['--', 'true']

/** Words of the line that is run on such a root, with options. */
export function runWords(root, tasks, options = []) {
  return [
    ...MPIBATCH,
    'run',
    '--array',
    `1-${tasks}`,
    '--root',
    root,
    '--progress',
    'none',
    ...options,
    ...COMMAND,
  ]
}

/** Names of the tasks, as `run` makes them. */
export function taskNames(tasks) {
  return Array.from({ length: tasks }, (_, index) => `task_${String(index + 1).padStart(NAME_DIGITS, '0')}`)
}

/** Writes states and a journal that say DONE of the first `done` tasks. */
function fill(root, names) {
  let source = ''
  const lines = []
  for (const [index, name] of names.entries()) {
    const directory = join(root, name)
    const state = join(directory, 'state')
    const isThere = existsSync(directory)
    if (!isThere) mkdirSync(directory)
    if (isThere || index % LINKS_MAX === 0) {
      writeFileSync(state, 'DONE\n')
      source = state
    } else linkSync(source, state)
    const line = `D 2 ${name}`
    lines.push(`${line} ${crc32(line).toString(16).padStart(8, '0')}\n`)
  }
  const instance = join(root, '.mpibatch', 'i', '0123456789abcdef')
  mkdirSync(instance, { recursive: true })
  writeFileSync(join(instance, 'journal.0'), lines.join(''))
}

/**
 * Makes a root of `tasks` tasks of which the first `done` are DONE.
 *
 * @returns What a run on it said that started nothing but a few tasks: it has indexed what it found.
 */
export function makeDoneRoot(root, { tasks, done }) {
  const few = ['-j', '1', '--halt', 'soon,done=1']
  runToEnd(runWords(root, tasks, few), { exitCodes: [0, 1] })
  fill(root, taskNames(tasks).slice(0, done))
  const { stdout } = runToEnd(runWords(root, tasks, [...few, '--json']), { exitCodes: [0, 1] })
  const summary = JSON.parse(stdout)
  // One more, where there is one: that is how the run knows when to end.
  expectCount('tasks DONE', summary.done, Math.min(tasks, done + 1))
  return summary
}
