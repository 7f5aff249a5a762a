/** `mpibatch run` under a real Slurm, as `docs/mpi-clusters.md` has it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { beforeAll, expect, it } from 'vitest'
import { SHARED } from '../cluster/bed.ts'
import { readEvidence } from '../cluster/evidence.ts'
import { jsonLines } from '../support/mpirun.ts'
import { waitUntil } from '../support/wait-until.ts'
import { describeOnNodes, expectExit, type JobEnd, LIVENESS, type MpiBed } from './mpi-bed.ts'
import { faultsOfSingleClaims, hostsOfInstances, tasksByHost } from './run-evidence.ts'

const TASKS = 100
/** One of twenty tasks kills its rank at the first try. */
const KILL_RANK = 'sleep 0.1; test {} != 7 || test $MPIBATCH_ATTEMPT -gt 1 || kill -9 $PPID'
const TWO_BY_TWO = ['--nodes=2', '--ntasks-per-node=2']
const NEEDS = ['mpirun.openmpi', 'mpirun.mpich', 'srun', '/usr/sbin/slurmctld', '/usr/sbin/munged']

describeOnNodes('in jobs of Slurm, a run', NEEDS, (nodes) => {
  beforeAll(() => nodes.bed.startSlurm(2))

  it.each([
    ['pmix', 'Open MPI'],
    ['pmi2', 'MPICH'],
  ])('has four ranks on two nodes by srun --mpi=%s with %s', async (mpi) => {
    const root = `srun-${mpi}`
    const end = await nodes.start('login', ['srun', `--mpi=${mpi}`, ...TWO_BY_TWO, ...runLine(nodes, root)])
      .ended
    expectAllRan(nodes, root, end)
  })

  // Each of these starts four jobs of one rank each, and all would do all tasks.
  it.each([
    ['pmix', 'libmpich.so.12', 'MPICH'],
    ['none', 'libmpich.so.12', 'MPICH'],
  ])('is refused by srun --mpi=%s with %s', async (mpi, library, name) => {
    const root = `refused-${mpi}`
    const line = ['env', `MPIBATCH_LIBMPI=${library}`, 'srun', `--mpi=${mpi}`, ...TWO_BY_TWO]
    const end = await nodes.start('login', [...line, ...runLine(nodes, root)]).ended
    expectExit(end, 3)
    const refusal = new RegExp(
      `^mpibatch: Slurm says that this job has 4 ranks, but ${name}.* finds 1: .*--mpi=pmix for Open MPI and --mpi=pmi2 for MPICH`,
      'gm',
    )
    expect(end.stderr.match(refusal), end.stderr).toHaveLength(1)
    expect(() => readEvidence(nodes.bed, root)).toThrow('ENOENT')
  })

  it.each(['pmi2', 'none'])('is refused by Open MPI itself in srun --mpi=%s', async (mpi) => {
    const root = `refused-openmpi-${mpi}`
    const line = ['env', 'MPIBATCH_LIBMPI=libmpi.so.40', 'srun', `--mpi=${mpi}`, ...TWO_BY_TWO]
    const end = await nodes.start('login', [...line, ...runLine(nodes, root)]).ended
    expectExit(end, 1)
    expect(end.stderr).toContain("OMPI was not built with SLURM's PMI support")
    expect(() => readEvidence(nodes.bed, root)).toThrow('ENOENT')
  })

  it.each(['pmix', 'pmi2'])('that loses a rank is ended by srun -K --mpi=%s', async (mpi) => {
    const options = ['--root', `${SHARED}/lost-${mpi}`, '--array', '1-20', '-c', KILL_RANK]
    const line = ['srun', '-K', `--mpi=${mpi}`, ...TWO_BY_TWO, ...nodes.mpibatch('run', ...options)]
    const end = await nodes.start('login', line, 20_000).ended
    expectExit(end, 137)
    expect(end.stderr).toMatch(/srun: error: node\d: tasks? \d.*: Killed/)
  })

  it.each(['mpirun.openmpi', 'mpirun.mpich'])(
    'has four ranks on two nodes by %s in a batch script',
    async (mpirun) => {
      const root = `batch-${mpirun}`
      expectAllRan(nodes, root, await runScript(nodes, root, [mpirun, ...runLine(nodes, root)]))
    },
  )

  it.each(['mpirun.openmpi', 'mpirun.mpich', 'srun --mpi=pmix', 'srun --mpi=pmi2'])(
    'goes on after the loss of a rank by --launcher "%s" in a batch script',
    async (launcher) => {
      const root = `again-${launcher.replaceAll(/\W+/g, '-')}`
      const options = ['--root', `${SHARED}/${root}`, '--array', '1-20', '--json', '--launcher', launcher]
      const task = 'sleep 0.1; test {} != 7 || test $MPIBATCH_ATTEMPT -gt 1 || kill -9 $PPID'
      const end = await runScript(nodes, root, nodes.mpibatch('run', ...options, '-c', task))
      expectExit(end, 0)
      expect(jsonLines(end)).toMatchObject([{ tasks: 20, done: 20, failed: 0, open: 0 }])
      expect(end.stderr).toMatch(/Starting again in .* \(1 of 3\)/)
      // Slurm may name several ranks at once, MPICH names none.
      const told =
        launcher === 'mpirun.mpich' ? 'A rank' : '(Rank \\d|A rank) on node\\d was ended by (SIGKILL|Killed)'
      expect(end.stderr).toMatch(new RegExp(`^mpibatch: ${told}.* before the run was over`, 'm'))
      const hosts = [...hostsOfInstances(nodes.bed, root).values()].sort()
      expect(hosts).toEqual([...Array(4).fill('node1'), ...Array(4).fill('node2')])
    },
  )

  it('that was submitted drains before its time is over, and goes on in other jobs until all is done', async () => {
    const root = 'submitted'
    const line = ['run', '--root', `${SHARED}/${root}`, '-j', '2', '--array', '1-20', '-c', 'sleep 3; : {}']
    const settings = ['--time', '1', '--drain', '40s', '--output', `${SHARED}/${root}.out`]
    const sent = await nodes.start('login', nodes.mpibatch('submit', ...settings, '--', ...line)).ended
    expectExit(sent, 0)
    expect(sent.stdout).toMatch(/^Submitted batch job \d+\n$/)
    const said = (): string => {
      const path = nodes.bed.sharedPath(`${root}.out`)
      return existsSync(path) ? readFileSync(path, 'utf8') : ''
    }
    // The signal comes when 20 s are over, or up to a minute earlier.
    await waitUntil(() => said().includes('20 of 20 tasks DONE'), { timeoutMs: 150_000, describe: said })
    expect(said()).toMatch(/the job goes on in another: Submitted batch job \d+/)
    expect(faultsOfSingleClaims(readEvidence(nodes.bed, root))).toEqual([])
  })

  // The last one: Slurm itself misses the node only after minutes.
  it('that loses a node leaves no rank on the other', async () => {
    const root = 'cut'
    const line = ['env', 'MPIBATCH_SILENCE=4', 'srun', '--mpi=pmi2', ...TWO_BY_TWO]
    const options = ['--root', `${SHARED}/${root}`, '--array', '1-4', '--', 'sleep', '1000']
    const job = nodes.start('login', [...line, ...nodes.mpibatch('run', ...options)])
    const isRunning = (task: number): boolean =>
      existsSync(nodes.bed.sharedPath(root, `task_00000${task}/state`))
    await waitUntil(() => [1, 2, 3, 4].every(isRunning), { describe: () => job.said })
    await nodes.bed.kill('node2')
    await waitUntil(() => job.said.includes('Nothing was heard of node2'), { describe: () => job.said })
    await nodes.expectNothingLeft(['node1'])
  })
})

function runLine(nodes: MpiBed, root: string): readonly string[] {
  const options = ['--root', `${SHARED}/${root}`, '--array', `1-${TASKS}`, '--json']
  return nodes.mpibatch('run', ...options, '-c', 'sleep 0.05; : {}')
}

/** Gives a batch job this line, and waits for its end; sbatch's own --wait looks more and more seldom. */
async function runScript(nodes: MpiBed, name: string, line: readonly string[]): Promise<JobEnd> {
  const startMs = performance.now()
  const path = (suffix: string): string => nodes.bed.sharedPath(`${name}.${suffix}`)
  const inNode = (suffix: string): string => `${SHARED}/${name}.${suffix}`
  const read = (suffix: string): string =>
    existsSync(path(suffix)) ? readFileSync(path(suffix), 'utf8') : ''
  const words = line.map((word) => `'${word}'`).join(' ')
  const lines = ['#!/bin/sh', `export MPIBATCH_LIVENESS=${LIVENESS}`, words, `echo $? >${inNode('code')}`]
  writeFileSync(path('sh'), `${lines.join('\n')}\n`)
  const outputs = ['--output', inNode('out'), '--error', inNode('err')]
  expectExit(await nodes.start('login', ['sbatch', ...TWO_BY_TWO, ...outputs, inNode('sh')]).ended, 0)
  const code = await waitUntil(() => read('code').endsWith('\n') && read('code'), {
    timeoutMs: 60_000,
    describe: () => read('err'),
  })
  const durationMs = performance.now() - startMs
  return { exitCode: Number(code), stdout: read('out'), stderr: read('err'), durationMs }
}

/** Expects that four ranks on two nodes have done all tasks, each once. */
function expectAllRan({ bed }: MpiBed, root: string, end: JobEnd): void {
  expectExit(end, 0)
  expect(jsonLines(end)).toMatchObject([{ tasks: TASKS, done: TASKS, failed: 0, open: 0 }])
  const hosts = [...hostsOfInstances(bed, root).values()].sort()
  expect(hosts).toEqual(['node1', 'node1', 'node2', 'node2'])
  const tasks = readEvidence(bed, root)
  expect(tasks).toHaveLength(TASKS)
  expect(faultsOfSingleClaims(tasks)).toEqual([])
  expect(Object.keys(tasksByHost(bed, root, tasks)).sort()).toEqual(['node1', 'node2'])
}
