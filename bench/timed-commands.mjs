/**
 * The same command many times, by ours, by the programs that people start such lists with, and by a C program that does
 * nothing but start them. Each is timed as a whole, its start included, but for HyperQueue, and each is checked to
 * have run everything. The command gets a number as its argument.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyDirectory } from './directories.mjs'
import { buildLimit } from './limits/build.mjs'
import { PROGRAMS } from './peers/peers.mjs'
import { countDone, expectCount, jsonLine, MPIBATCH, numberLines, runToEnd } from './run.mjs'

/** Seconds of mpibatch, with states and the two log files of each. */
export function timeMpibatch({ count, jobs, command, durability, timeoutMs }) {
  const cwd = emptyDirectory()
  const options = ['-j', jobs, '--array', `1-${count}`, '--root', 'out', '--progress', 'none']
  const words = [...MPIBATCH, 'run', ...options, '--durability', durability, '--', ...command]
  const { seconds } = runToEnd(words.map(String), { cwd, timeoutMs })
  expectCount('mpibatch', countDone(join(cwd, 'out'), ['stdout', 'stderr']), count)
  return seconds
}

/** Seconds of GNU parallel, which keeps each command's output and a log of all. */
export function timeParallel({ path }, { count, jobs, command, timeoutMs }) {
  const cwd = emptyDirectory()
  writeFileSync(join(cwd, 'list'), numberLines(count))
  const options = ['-j', String(jobs), '--results', 'results', '--joblog', 'joblog', '-a', 'list']
  const { seconds } = runToEnd([path, ...options, ...command], { cwd, timeoutMs })
  const lines = readFileSync(join(cwd, 'joblog'), 'utf8').trimEnd().split('\n').slice(1)
  expectCount('GNU parallel', lines.filter((line) => line.split('\t')[6] === '0').length, count)
  return seconds
}

/** Seconds of xargs, which keeps nothing: no logs, no states. It says each command before it starts it, which is counted. */
export function timeXargs({ path }, { count, jobs, command, timeoutMs }) {
  const cwd = emptyDirectory()
  writeFileSync(join(cwd, 'list'), numberLines(count))
  const options = ['-P', String(jobs), '-n', '1', '-a', 'list', '--verbose']
  const { seconds, stderr } = runToEnd([path, ...options, ...command], { cwd, timeoutMs })
  expectCount('xargs', stderr.trimEnd().split('\n').length, count)
  return seconds
}

/** Seconds of HyperQueue from submitting to the last end; its server and its worker are there before. */
export function timeHyperQueue({ path }, { count, jobs, command, timeoutMs }) {
  const cwd = emptyDirectory()
  const program = [join(path, 'python'), join(PROGRAMS, 'hyperqueue_commands.py')]
  // It leaves a socket in the directory for temporary files.
  const options = { cwd, timeoutMs, env: { TMPDIR: cwd } }
  const ended = runToEnd([...program, cwd, String(count), String(jobs), ...command], options)
  expectCount('HyperQueue', readdirSync(join(cwd, 'logs')).length, 2 * count)
  return jsonLine(ended).seconds
}

/** Number of commands after which disBatch was seen enough of: it starts about ten a second. */
const DISBATCH_COUNT = 200

/** Seconds of disBatch, of its first commands. It keeps no output, so a shell line, which it runs anyway, does that. */
export function timeDisBatch({ path }, { count: all, jobs, command, timeoutMs }) {
  const count = Math.min(all, DISBATCH_COUNT)
  const cwd = emptyDirectory()
  mkdirSync(join(cwd, 'logs'))
  const line = (index) => `${command.join(' ')} ${index} > logs/${index}.out 2> logs/${index}.err\n`
  writeFileSync(join(cwd, 'list'), Array.from({ length: count }, (_, index) => line(index)).join(''))
  const { seconds } = runToEnd([join(path, 'disBatch'), '-e', '-s', `localhost:${jobs}`, 'list'], {
    cwd,
    timeoutMs,
  })
  expectCount('disBatch', readdirSync(join(cwd, 'logs')).length, 2 * count)
  return seconds
}

/** Seconds of a C program that starts the commands, with their two log files. */
export function timePool({ path }, { count, jobs, command, timeoutMs }) {
  const cwd = emptyDirectory()
  const { seconds } = runToEnd([path, String(jobs), String(count), cwd, ...command], { timeoutMs })
  expectCount('the C pool', readdirSync(cwd).length, 2 * count)
  return seconds
}

/** Names of the ways, as tables have them. */
export const WHO = {
  synced: 'mpibatch, results synced to disk (default)',
  unsynced: 'mpibatch --durability none',
  pool: 'C: fork and exec',
}

/** The ways to run a command that were asked for, by name; what is not here has `missing`. */
export function commandWays(names, { peers, ...what }) {
  const pool = buildLimit('spawn')
  const name = (peer, text) => (peer.version === undefined ? text : `${text} ${peer.version}`)
  const way = (peer, who, time) => ({
    who,
    ...(peer.missing === undefined ? { run: () => time(peer, what) } : { missing: peer.missing }),
  })
  const { parallel, hyperqueue, xargs, disbatch } = peers
  const all = {
    synced: () => ({ who: WHO.synced, run: () => timeMpibatch({ ...what, durability: 'terminal' }) }),
    unsynced: () => ({ who: WHO.unsynced, run: () => timeMpibatch({ ...what, durability: 'none' }) }),
    parallel: () => way(parallel, name(parallel, 'GNU parallel'), timeParallel),
    hyperqueue: () => way(hyperqueue, name(hyperqueue, 'HyperQueue'), timeHyperQueue),
    xargs: () => way(xargs, `${name(xargs, 'xargs')} (no logs)`, timeXargs),
    disbatch: () => ({
      ...way(
        disbatch,
        `${name(disbatch, 'disBatch')}, ${Math.min(what.count, DISBATCH_COUNT)} commands only`,
        timeDisBatch,
      ),
      rounds: 1,
    }),
    pool: () => way(pool, WHO.pool, timePool),
  }
  return Object.fromEntries(names.map((one) => [one, all[one]()]))
}
