import { commandWays } from '../timed-commands.mjs'

/** `true` as a command, with log files and states. */
export const row = {
  name: 'commands',
  title: '`true` as a command, with log files and states',
  sizes: { commands: 2000, jobs: 4, rounds: 5 },
  small: { commands: 20, jobs: 2, rounds: 1 },
  measure({ commands, jobs }, peers) {
    const names = ['synced', 'unsynced', 'parallel', 'hyperqueue', 'xargs', 'disbatch', 'pool']
    const ways = commandWays(names, { peers, count: commands, jobs, command: ['true'] })
    const { synced, unsynced, parallel, hyperqueue, pool } = ways
    const wants = [
      { text: 'GNU parallel / mpibatch', of: [parallel, synced], atLeast: 3 },
      { text: 'GNU parallel / mpibatch --durability none', of: [parallel, unsynced], atLeast: 3 },
      { text: 'HyperQueue / mpibatch', of: [hyperqueue, synced], atLeast: 1.5 },
      { text: 'HyperQueue / mpibatch --durability none', of: [hyperqueue, unsynced], atLeast: 1.5 },
      { text: 'C / mpibatch', of: [pool, synced], atLeast: 0.7 },
      { text: 'C / mpibatch --durability none', of: [pool, unsynced], atLeast: 0.7 },
    ]
    return { ways: Object.values(ways), wants }
  },
}
