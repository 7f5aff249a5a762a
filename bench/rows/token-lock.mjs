import { mpiWay, onRanks, ourProgram, pshmemProgram } from '../ranks.mjs'

const RANKS = [2, 4]
const RATIO_MIN = 10

/** Changes of holder per second. */
function rateOf({ handoffs, elapsedMs, isExact }) {
  if (!isExact) throw new Error('Two ranks had the lock at once')
  return (1000 * handoffs) / elapsedMs
}

/** The token lock, when all ranks want it. */
export const row = {
  name: 'token-lock',
  title: 'How often a second a lock changes its holder when all ranks want it',
  sizes: { seconds: 3, rounds: 3 },
  small: { seconds: 1, rounds: 1 },
  measure({ seconds }, peers) {
    const cases = RANKS.map((ranks) => {
      const way = (who, words) =>
        mpiWay(peers, {
          who: `${who}, ${ranks} ranks`,
          unit: 'handoffs/s',
          run: () => rateOf(onRanks(ranks, [...words, String(1000 * seconds)])),
        })
      const ours = way('mpibatch TokenLock', ourProgram('handoffs.mjs'))
      return { ranks, ours, theirs: way('pshmem MPILock', pshmemProgram('handoffs.py')) }
    })
    return {
      ways: cases.flatMap(({ ours, theirs }) => [ours, theirs]),
      wants: cases.map(({ ranks, ours, theirs }) => ({
        text: `mpibatch / pshmem, ${ranks} ranks`,
        of: [ours, theirs],
        atLeast: RATIO_MIN,
      })),
    }
  },
}
