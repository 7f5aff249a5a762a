/** Tasks that are functions and do nothing: seconds from the first claim to the last end, each checked to have run all. */
import { join } from 'node:path'
import { emptyDirectory } from './directories.mjs'
import { PROGRAMS } from './peers/peers.mjs'
import { onRanks, onThreads, ourProgram, pshmemProgram } from './ranks.mjs'
import { countDone, expectCount, jsonLine, runToEnd } from './run.mjs'

/** Ways to run them, which take the number of ranks, the text that says what to do, and a bound in milliseconds. */
export const RUNNERS = {
  ours: (ranks, told, timeoutMs) => onRanks(ranks, [...ourProgram('no-op-tasks.mjs'), told], { timeoutMs }),
  threads: (ranks, told, timeoutMs) => onThreads(ranks, 'no-op-tasks.mjs', [told], { timeoutMs }),
  pshmem: (ranks, told, timeoutMs) =>
    onRanks(ranks, [...pshmemProgram('no_op_tasks.py'), told], { timeoutMs }),
}

/** Seconds in memory only. */
export function timeInMemory(runner, { ranks, tasks, timeoutMs }) {
  const { seconds, done } = RUNNERS[runner](ranks, JSON.stringify({ tasks, root: null }), timeoutMs)
  expectCount('tasks in memory', done, tasks)
  return seconds
}

/** Seconds with state files. */
export function timeWithFiles(runner, { ranks, tasks, durability, timeoutMs }) {
  const directory = emptyDirectory()
  const root = join(directory, 'root')
  const { seconds } = RUNNERS[runner](ranks, JSON.stringify({ tasks, root, durability }), timeoutMs)
  expectCount('tasks with state files', countDone(root), tasks)
  return seconds
}

/** Seconds of a C program that does nothing but replace the state files, and within its time, make the directories, if told to. */
export function timePairs({ path }, { ranks, tasks, durability, makes = false, timeoutMs }) {
  const directory = emptyDirectory()
  const told = [String(tasks), String(ranks), durability, makes ? 'within' : 'before']
  const ended = runToEnd([path, directory, ...told], { timeoutMs })
  expectCount('state files in C', countDone(directory), tasks)
  return jsonLine(ended).seconds
}

/** Seconds of Dask, with its workers there before. */
export function timeDask({ path }, { ranks, tasks, timeoutMs }) {
  const words = [join(path, 'python'), join(PROGRAMS, 'dask_no_op.py'), String(tasks), String(ranks)]
  const { seconds, done } = jsonLine(runToEnd(words, { timeoutMs, env: { TMPDIR: emptyDirectory() } }))
  expectCount('Dask', done, tasks)
  return seconds
}
