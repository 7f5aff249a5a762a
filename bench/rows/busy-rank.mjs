import { spawnSync } from 'node:child_process'
import { mpiWay, onRanks, ourProgram, pshmemProgram } from '../ranks.mjs'

const RANKS = 2
const CLAIM_MS_MAX = 5
const TIMEOUT_MS = 60_000
/** Ranks that don't see each other's processes can't share memory, as on several nodes; they talk by TCP. */
const UNSHARE = ['unshare', '--pid', '--fork', '--mount-proc']
const OVER_TCP = { OMPI_MCA_btl: 'tcp,self', OMPI_MCA_pml: 'ob1' }
/** The one way in which Open MPI has the one-sided operations there that pshmem needs; without, it crashes. */
const ONE_SIDED_OVER_TCP = {
  OMPI_MCA_osc: 'ucx',
  UCX_TLS: 'tcp,self',
  OMPI_MCA_opal_common_ucx_tls: 'any',
  OMPI_MCA_opal_common_ucx_devices: 'any',
}
const PLACES = {
  node: { text: 'one node', words: [], oursEnv: {}, pshmemEnv: {} },
  nodes: { text: 'as on two nodes', words: UNSHARE, oursEnv: OVER_TCP, pshmemEnv: ONE_SIDED_OVER_TCP },
}

/** Two figures of one program: the second way takes its own from the run of the first. */
function pairOfWays(who, start) {
  let figures
  const run = () => {
    figures = start()
    if (figures.count < 1) throw new Error(`${who}: nothing was claimed`)
    return figures.median
  }
  return {
    median: { who: `${who}, median`, unit: 'ms', run },
    longest: { who: `${who}, longest`, unit: 'ms', run: () => figures.longest },
  }
}

/** A claim while the rank that has the table computes. */
export const row = {
  name: 'busy-rank',
  title: 'How long a rank takes to claim a task while rank 0 computes, in blocks',
  sizes: { blockMs: 500, blocks: 4, rounds: 5 },
  small: { blockMs: 50, blocks: 2, rounds: 1 },
  measure({ blockMs, blocks }, peers) {
    const canUnshare = spawnSync(UNSHARE[0], [...UNSHARE.slice(1), 'true']).status === 0
    const notes = canUnshare ? [] : ['As on two nodes: "unshare --pid" is refused here, it needs root.']
    const cases = (canUnshare ? ['node', 'nodes'] : ['node']).map((place) => {
      const { text, words, oursEnv, pshmemEnv } = PLACES[place]
      const argv = [String(blockMs), String(blocks), place]
      const start = (program, env) => () =>
        onRanks(RANKS, [...words, ...program, ...argv], { env, timeoutMs: TIMEOUT_MS })
      const both = (who, program, env) => {
        const ways = pairOfWays(`${who}, ${text}`, start(program, env))
        return { median: mpiWay(peers, ways.median), longest: mpiWay(peers, ways.longest) }
      }
      return {
        text,
        ours: both('mpibatch', ourProgram('busy-claims.mjs'), oursEnv),
        pshmem: both('pshmem', pshmemProgram('busy_claims.py'), pshmemEnv),
      }
    })
    return {
      ways: cases.flatMap(({ ours, pshmem }) => [...Object.values(ours), ...Object.values(pshmem)]),
      wants: cases.map(({ text, ours }) => ({
        text: `mpibatch, ${text}, median`,
        of: [ours.median],
        atMost: CLAIM_MS_MAX,
      })),
      notes,
    }
  },
}
