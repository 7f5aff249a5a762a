import { join } from 'node:path'
import { emptyDirectory } from '../directories.mjs'
import { buildLimit } from '../limits/build.mjs'
import { onThreads, ourProgram } from '../ranks.mjs'
import { expectCount, jsonLine, runToEnd } from '../run.mjs'
import { commandWays } from '../timed-commands.mjs'

const TASK_SECONDS = 0.01
const RATIO_MIN = 0.97

/** Tasks of 10 ms. */
export const row = {
  name: 'short-tasks',
  title: 'Tasks that take 10 ms each, as commands and as functions',
  sizes: { tasks: 1000, jobs: 4, rounds: 5 },
  small: { tasks: 20, jobs: 2, rounds: 1 },
  measure({ tasks, jobs }, peers) {
    const nap = buildLimit('nap')
    const names = ['synced', 'unsynced', 'parallel', 'hyperqueue', 'xargs', 'pool']
    const asCommands = commandWays(names, { peers, count: tasks, jobs, command: [nap.path] })
    if (nap.missing !== undefined) {
      for (const way of Object.values(asCommands))
        Object.assign(way, { run: undefined, missing: nap.missing })
    }
    const secondsOf = ({ seconds, done }, count = tasks) => {
      expectCount('tasks of 10 ms', done, count)
      return seconds
    }
    const inProcess = (told) =>
      secondsOf(onThreads(jobs, 'waiting-tasks.mjs', [JSON.stringify({ tasks, root: null, ...told })]))
    const inMemory = {
      who: `functions on ${jobs} threads, in memory`,
      run: () => inProcess({ isHeld: true }),
    }
    const withFiles = {
      who: `functions on ${jobs} threads, states synced to disk (default)`,
      run: () => inProcess({ isHeld: true, root: join(emptyDirectory(), 'root') }),
    }
    const awaiting = {
      who: `functions on ${jobs} threads that await a timer, in memory`,
      run: () => inProcess({ isHeld: false }),
    }
    const waits = Math.ceil(tasks / jobs) * jobs
    const plain = {
      who: `the same timers on ${jobs} threads, without a batch`,
      run: () => {
        const words = [...ourProgram('plain-waits.mjs'), String(tasks), String(jobs)]
        return secondsOf(jsonLine(runToEnd(words)), waits)
      },
    }
    const ideal = { who: 'ideal', run: () => (waits / jobs) * TASK_SECONDS }
    const { synced, unsynced, pool } = asCommands
    return {
      ways: [...Object.values(asCommands), inMemory, withFiles, ideal, awaiting, plain],
      wants: [
        { text: 'commands: C / mpibatch', of: [pool, synced], atLeast: RATIO_MIN },
        { text: 'commands: C / mpibatch --durability none', of: [pool, unsynced], atLeast: RATIO_MIN },
        { text: 'functions: ideal / mpibatch in memory', of: [ideal, inMemory], atLeast: RATIO_MIN },
        { text: 'functions: ideal / mpibatch with states', of: [ideal, withFiles], atLeast: RATIO_MIN },
        {
          text: 'functions: timers without a batch / mpibatch in memory',
          of: [plain, awaiting],
          atLeast: RATIO_MIN,
        },
      ],
    }
  },
}
