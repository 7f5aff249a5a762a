import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyDirectory } from '../directories.mjs'
import { makeDoneRoot, runWords } from '../done-root.mjs'
import { buildLimit } from '../limits/build.mjs'
import { expectCount, MPIBATCH, numberLines, runToEnd } from '../run.mjs'
import { joblogOf, makeJugFolder } from '../timed-reruns.mjs'

const MEGABYTES_MAX = 300
/** Tasks that a measured run still does, to show that it works. */
const FEW = 20
/** jug takes minutes for more, so it is seen with fewer; that only flatters it. */
const JUG_TASKS_MAX = 100_000

/** Runs a program to its end; returns what it printed, and the most memory it had at a time, MB. */
function peakOf(path, directory, words, options) {
  const file = join(directory, 'peak')
  const { stdout } = runToEnd([path, file, ...words], options)
  return { stdout, megabytes: (JSON.parse(readFileSync(file, 'utf8')).peakKib * 1024) / 1e6 }
}

function ourWays(peak, directory, { tasks, done }) {
  const root = join(directory, 'root')
  let before = makeDoneRoot(root, { tasks, done }).done
  const status = () => {
    const { stdout, megabytes } = peakOf(peak, directory, [...MPIBATCH, 'status', root, '--json'])
    expectCount('tasks DONE in status', JSON.parse(stdout).done, before)
    return megabytes
  }
  const run = () => {
    const options = ['-j', '2', '--durability', 'none', '--halt', `soon,done=${before + FEW}`, '--json']
    const words = runWords(root, tasks, options)
    const { stdout, megabytes } = peakOf(peak, directory, words, { exitCodes: [0, 1] })
    const summary = JSON.parse(stdout)
    expectCount('tasks of the run', summary.tasks, tasks)
    if (summary.done < before + FEW) throw new Error(`mpibatch has done ${summary.done}, ${before} were done`)
    before = summary.done
    return megabytes
  }
  return { status, run }
}

function parallelWay(peak, { path }, directory, { tasks, done }) {
  const [joblog, list] = [join(directory, 'joblog'), join(directory, 'list')]
  writeFileSync(list, numberLines(tasks))
  return () => {
    const text = joblogOf(done)
    writeFileSync(joblog, text)
    const options = [
      '-j',
      '2',
      '--halt',
      `soon,success=${done + FEW}`,
      '--resume',
      '--joblog',
      joblog,
      '-a',
      list,
    ]
    const { megabytes } = peakOf(peak, directory, [path, ...options, 'true'], { exitCodes: [0, 1] })
    const added = readFileSync(joblog, 'utf8').slice(text.length).trimEnd().split('\n')
    if (added.length < FEW) throw new Error(`GNU parallel has done ${added.length} more`)
    return megabytes
  }
}

function jugWay(peak, peer, directory, tasks) {
  const cwd = join(directory, 'jug')
  makeJugFolder(peer, cwd, { tasks, done: tasks >> 1 })
  return () => {
    const words = [join(peer.path, 'jug'), 'status', 'tasks.py', '--jugdir', 'tasks.jugdata']
    const options = { cwd, env: { BENCH_TASKS: String(tasks) }, exitCodes: [0, 1] }
    const { stdout, megabytes } = peakOf(peak, directory, words, options)
    if (!new RegExp(`\\b${tasks >> 1}\\b.*Total`).test(stdout)) throw new Error(`jug says ${stdout}`)
    return megabytes
  }
}

/** Memory with many tasks of which half are DONE. */
export const row = {
  name: 'memory',
  title: 'The most memory at a time, with half of the tasks DONE',
  sizes: { tasks: 1_000_000, rounds: 1 },
  small: { tasks: 100, rounds: 1 },
  measure({ tasks }, { parallel, jug }) {
    const peak = buildLimit('peak')
    const directory = emptyDirectory()
    const half = { tasks, done: tasks >> 1 }
    const way = (who, peer, make) => {
      const missing = peak.missing ?? peer.missing
      return { who, unit: 'MB', ...(missing === undefined ? { run: make() } : { missing }) }
    }
    const ours = peak.missing === undefined ? ourWays(peak.path, directory, half) : {}
    const jugTasks = Math.min(tasks, JUG_TASKS_MAX)
    const run = way('mpibatch run', {}, () => ours.run)
    const status = way('mpibatch status', {}, () => ours.status)
    const ways = [
      status,
      run,
      way('GNU parallel --resume', parallel, () => parallelWay(peak.path, parallel, directory, half)),
      way(`jug status, ${jugTasks} tasks only`, jug, () => jugWay(peak.path, jug, directory, jugTasks)),
    ]
    const wants = [
      { text: 'mpibatch run', of: [run], atMost: MEGABYTES_MAX },
      { text: 'mpibatch status', of: [status], atMost: MEGABYTES_MAX },
    ]
    return { ways, wants }
  },
}
