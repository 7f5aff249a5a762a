/** What becomes of a run that loses a rank, or a whole node, while it has tasks of both in hand. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { SHARED } from '../cluster/bed.ts'
import { faultsOf, readCommands, readEvidence } from '../cluster/evidence.ts'
import { jsonLines } from '../support/mpirun.ts'
import { waitUntil } from '../support/wait-until.ts'
import {
  describeOnNodes,
  expectExit,
  FAMILIES,
  type Family,
  type JobEnd,
  LIVENESS,
  type MpiBed,
} from './mpi-bed.ts'
import { hostsOfInstances } from './run-evidence.ts'

const TASKS = 40
/** Every fourth task lasts two seconds, the others a tenth of one (`../cluster/fixtures/task.sh`). */
const LONG_TASKS = ['4', '8']
/** Short, so that the tests are. */
const TIMES = ['env', 'MPIBATCH_SILENCE=4', `MPIBATCH_LIVENESS=${LIVENESS}`]
/** Open MPI's launcher says it on standard error, MPICH's on either, in different words. */
const LOST_RANK = /exited on signal 9|EXIT STRING: Killed|BAD TERMINATION|processes terminated badly/
const END_TIMEOUT_MS = 90_000

describeOnNodes('a run that loses', ['mpirun.openmpi', 'mpirun.mpich'], (nodes) => {
  for (const family of FAMILIES) {
    it(`a node to a power cut goes on without it, under --launcher and ${family.name}`, async () => {
      const root = `node-${family.key}`
      const job = nodes.start('node1', launched(nodes, family, root), END_TIMEOUT_MS)
      await secondNodeIsBusy(nodes, root)
      const before = new Set(hostsOfInstances(nodes.bed, root).keys())
      await nodes.bed.kill('node2')
      const end = await job.ended
      expectAllDone(nodes, root, end)
      expect(end.stderr).toContain('node2 is silent.')
      expect(end.stderr).toContain('The next start leaves out node2.')
      const later = [...hostsOfInstances(nodes.bed, root)].filter(([instance]) => !before.has(instance))
      expect(later.map(([, host]) => host)).toEqual(['node1', 'node1'])
      await nodes.expectNothingLeft(['node1', 'login'])
    })

    it(`a rank of the other node ends within 5 s and says so, under ${family.name}`, async () => {
      const root = `rank-${family.key}`
      const line = [...family.launcher(nodes.nodes, 2), ...TIMES, ...runLine(nodes, root)]
      const job = nodes.start('node1', line)
      await secondNodeIsBusy(nodes, root)
      const startMs = performance.now()
      await killRank(nodes, 'node2')
      const end = await job.ended
      const tookMs = performance.now() - startMs
      console.log(`${family.name}: the job of a lost rank was over after ${Math.round(tookMs)} ms.`)
      expect(tookMs).toBeLessThan(5000)
      expect(end.exitCode).not.toBe(0)
      expect(job.said).toMatch(LOST_RANK)
      await nodes.expectNothingLeft(['node1', 'node2'])
    })

    it(`a rank of the other node goes on with all, under --launcher and ${family.name}`, async () => {
      const root = `rank-again-${family.key}`
      const job = nodes.start('node1', launched(nodes, family, root), END_TIMEOUT_MS)
      await secondNodeIsBusy(nodes, root)
      await killRank(nodes, 'node2')
      const end = await job.ended
      expectAllDone(nodes, root, end)
      expect(end.stderr).toMatch(
        /(Rank \d on node2 was ended by SIGKILL|A rank was ended by SIGKILL|A rank or a node was lost) before .* Starting again in/,
      )
      expect(end.stderr).not.toContain('leaves out')
      const hosts = [...hostsOfInstances(nodes.bed, root).values()].sort()
      expect(hosts).toEqual([...Array(4).fill('node1'), ...Array(4).fill('node2')])
    })
  }
})

function runLine(nodes: MpiBed, root: string, ...more: readonly string[]): readonly string[] {
  const options = ['--root', `${SHARED}/${root}`, '--array', `0-${TASKS - 1}`, '--json', ...more]
  const task = `${import.meta.dirname}/../cluster/fixtures/task.sh`
  return nodes.mpibatch('run', ...options, '--', 'sh', task, ...LONG_TASKS)
}

/** The supervisor, which starts the ranks in both nodes. */
function launched(nodes: MpiBed, family: Family, root: string): readonly string[] {
  const launcher = [...family.launcher(nodes.nodes, 2), ...TIMES].join(' ')
  return runLine(nodes, root, '--launcher', launcher)
}

/** Waits until a long task runs in the second node, and both have done some. */
async function secondNodeIsBusy({ bed }: MpiBed, root: string): Promise<void> {
  await waitUntil(() => {
    const commands = [...readCommands(bed, root).values()].flat()
    const isBusy = commands.some(
      ({ node, complete, lastSeenAtMs, startedAtMs }) =>
        node === 'node2' && !complete && lastSeenAtMs > startedAtMs,
    )
    return isBusy && commands.some(({ node, complete }) => node === 'node1' && complete)
  })
}

async function killRank({ bed }: MpiBed, node: string): Promise<void> {
  const ids = await bed.processIds(node)
  const ranks = ids.filter((id) => commandLine(id)[1]?.endsWith('/mpibatch.mjs'))
  expect(ranks).toHaveLength(2)
  process.kill(ranks[0] ?? Number.NaN, 'SIGKILL')
}

function commandLine(processId: number): readonly string[] {
  try {
    return readFileSync(`/proc/${processId}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}

function expectAllDone({ bed }: MpiBed, root: string, end: JobEnd): void {
  expectExit(end, 0)
  expect(jsonLines(end)).toMatchObject([{ tasks: TASKS, done: TASKS, failed: 0, open: 0 }])
  const tasks = readEvidence(bed, root)
  expect(tasks).toHaveLength(TASKS)
  expect(tasks.flatMap((task) => faultsOf(task, { mayOverlap: false }))).toEqual([])
}
