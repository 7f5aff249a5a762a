import { emptyDirectory } from '../directories.mjs'
import { rerunWays } from '../timed-reruns.mjs'

/** A rerun where nothing is left to do. */
export const row = {
  name: 'rerun',
  title: 'A start where everything is DONE',
  sizes: { tasks: 100_000, rounds: 5 },
  small: { tasks: 50, rounds: 1 },
  measure({ tasks }, peers) {
    const directory = emptyDirectory()
    const names = ['mpibatch', 'parallel', 'jug', 'pshmem', 'make']
    const ways = rerunWays(names, { peers, directory, tasks })
    const { mpibatch, parallel, jug, pshmem, make } = ways
    const wants = [
      { text: 'GNU parallel --resume / mpibatch', of: [parallel, mpibatch], atLeast: 5 },
      { text: 'jug / mpibatch', of: [jug, mpibatch], atLeast: 5 },
      { text: 'pshmem / mpibatch', of: [pshmem, mpibatch], atLeast: 5 },
      { text: 'make / mpibatch', of: [make, mpibatch], atLeast: 1 },
    ]
    return { ways: Object.values(ways), wants }
  },
}
