/** What `growth.mjs` measures: works, and for each who does it. */
import { join } from 'node:path'
import { emptyDirectory } from './directories.mjs'
import { buildLimit } from './limits/build.mjs'
import { expectCount, MPIBATCH, runToEnd } from './run.mjs'
import { commandWays } from './timed-commands.mjs'
import { timeDask, timeInMemory, timePairs, timeWithFiles } from './timed-functions.mjs'
import { rerunWays } from './timed-reruns.mjs'

const RANKS = 2
const JOBS = 4
/** pshmem looks through all tasks from the first at every claim. */
const PSHMEM_GROWTH = 2

/** A series; one whose peer is not here ends before its first point. */
function seriesOf(who, run, peer = {}) {
  return { who, run, ...(peer.missing === undefined ? {} : { ends: peer.missing }) }
}

/** A panel whose series each need nothing but the number of tasks. */
function simplePanel(title, series) {
  return {
    title,
    series,
    start:
      ({ run }, tasks, timeoutMs) =>
      () =>
        run({ ranks: RANKS, tasks, timeoutMs }),
  }
}

function functionPanels({ pshmem, dask }) {
  const pairs = buildLimit('pairs')
  const unsynced = (runner) => (what) => timeWithFiles(runner, { ...what, durability: 'none' })
  return [
    simplePanel('Functions that do nothing, in memory, 2 ranks', [
      { ...seriesOf('mpibatch', (what) => timeInMemory('threads', what)), isOurs: true },
      { ...seriesOf('pshmem', (what) => timeInMemory('pshmem', what), pshmem), growth: PSHMEM_GROWTH },
      seriesOf('Dask', (what) => timeDask(dask, what), dask),
    ]),
    simplePanel('Functions that do nothing, with state files, 2 ranks, nothing synced', [
      { ...seriesOf('mpibatch', unsynced('threads')), isOurs: true },
      { ...seriesOf('pshmem', unsynced('pshmem'), pshmem), growth: PSHMEM_GROWTH },
      seriesOf('C', (what) => timePairs(pairs, { ...what, durability: 'none', makes: true }), pairs),
    ]),
  ]
}

function commandPanel(peers) {
  const names = {
    unsynced: 'mpibatch',
    parallel: 'GNU parallel',
    hyperqueue: 'HyperQueue',
    xargs: 'xargs',
    pool: 'C',
  }
  const ways = (count, timeoutMs) =>
    commandWays(Object.keys(names), { peers, count, jobs: JOBS, command: ['true'], timeoutMs })
  const series = Object.entries(ways(1)).map(([name, { missing }]) => ({
    ...seriesOf(names[name], undefined, { missing }),
    name,
    isOurs: name === 'unsynced',
  }))
  return {
    title: 'true as a command, 4 at a time, with logs, nothing synced',
    series,
    start: ({ name }, count, timeoutMs) => ways(count, timeoutMs)[name].run,
  }
}

function rerunPanel(peers) {
  const names = {
    mpibatch: 'mpibatch run',
    parallel: 'GNU parallel',
    jug: 'jug',
    pshmem: 'pshmem',
    make: 'make',
  }
  let directory
  let ways = {}
  const series = Object.entries(names).map(([name, who]) => ({
    ...seriesOf(who, undefined, peers[name]),
    name,
  }))
  const status = (tasks, timeoutMs) => () => {
    const words = [...MPIBATCH, 'status', join(directory, 'root'), '--json']
    const { seconds, stdout } = runToEnd(words, { timeoutMs })
    expectCount('mpibatch status', JSON.parse(stdout).done, tasks)
    return seconds
  }
  series[0].isOurs = true
  series.splice(1, 0, { ...seriesOf('mpibatch status'), isOurs: true })
  return {
    title: 'Everything is DONE: a start that finds nothing to do',
    series,
    prepare(tasks, climbing) {
      directory = emptyDirectory()
      // Ours makes the root that pshmem and status look at.
      const wanted = new Set([
        'mpibatch',
        ...climbing.flatMap(({ name }) => (name === undefined ? [] : [name])),
      ])
      ways = rerunWays([...wanted], { peers, directory, tasks })
    },
    start: ({ name }, tasks, timeoutMs) => (name === undefined ? status(tasks, timeoutMs) : ways[name].run),
  }
}

/**
 * The works: each has `series`, `start(series, tasks, timeoutMs)`, which gives a function that runs it and says how many
 * seconds it took, and where something has to be there before, `prepare`.
 */
export function growthPanels(peers) {
  return [...functionPanels(peers), commandPanel(peers), rerunPanel(peers)]
}
