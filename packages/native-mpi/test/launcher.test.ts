import { describe, expect, it } from 'vitest'
import { detectLauncher } from '../src/launcher.ts'

/** What a job of Slurm says to everything in it. */
const JOB = { SLURM_JOB_ID: '7', SLURM_JOB_NUM_NODES: '2', SLURM_NTASKS: '8' }
/** What srun says besides, to the fourth of eight tasks. */
const STEP = { ...JOB, SLURM_STEP_ID: '0', SLURM_STEP_NUM_TASKS: '8', SLURM_PROCID: '3' }
/** What the batch script of a job finds; some versions say the step by name. */
const SCRIPT = { ...JOB, SLURM_PROCID: '0', SLURM_STEP_NUM_TASKS: '8' }
const OPEN_MPI = { OMPI_COMM_WORLD_SIZE: '4', OMPI_COMM_WORLD_RANK: '2', PMIX_RANK: '2' }
const HYDRA = { PMI_RANK: '2', PMI_FD: '6', PMI_SIZE: '4', MPI_LOCALNRANKS: '2', MPI_LOCALRANKID: '0' }

const openMpi = { name: "Open MPI's mpirun", family: 'openmpi', size: 4, rank: 2 }
const mpich = { name: "MPICH's mpiexec", family: 'mpich', size: 4, rank: 2 }
const slurm = { name: 'Slurm', size: 8, rank: 3 }

describe('the launcher', () => {
  it('is found by what it says to its ranks', () => {
    expect(detectLauncher(OPEN_MPI)).toEqual(openMpi)
    expect(detectLauncher(HYDRA)).toEqual(mpich)
    expect(detectLauncher({ PMIX_RANK: '2', PMIX_NAMESPACE: 'x' })).toEqual({
      name: 'a PMIx launcher',
      family: 'openmpi',
      size: undefined,
      rank: 2,
    })
  })

  it('may call its ranks by a port, and say their rank as an identity', () => {
    expect(detectLauncher({ PMI_PORT: 'node1:4000', PMI_ID: '2' })).toEqual({ ...mpich, size: undefined })
  })

  it.each([
    ['--mpi=pmix', { PMIX_RANK: '3' }, 'openmpi'],
    ['--mpi=pmi2', { PMI_RANK: '3', PMI_FD: '9', PMI_SIZE: '8' }, 'mpich'],
    ['--mpi=none', {}, undefined],
  ])('is srun in a step of Slurm, with %s', (_option, variables, family) => {
    expect(detectLauncher({ ...STEP, ...variables })).toEqual({ ...slurm, family })
  })

  it('of a step of Slurm that says no number of tasks has those of the job', () => {
    const { SLURM_STEP_NUM_TASKS: _, ...step } = STEP
    expect(detectLauncher(step)).toEqual({ ...slurm, family: undefined })
  })

  it.each([
    ['nothing of the kind', { PATH: '/bin', OMPI_MCA_btl: 'tcp,self', MPI_HOME: '/opt/mpi' }],
    ["a batch script of Slurm's", SCRIPT],
    ["a batch script of Slurm's, as step", { ...SCRIPT, SLURM_STEP_ID: '4294967291' }],
    ["a batch script of Slurm's, as step by name", { ...SCRIPT, SLURM_STEP_ID: 'batch' }],
    ['a shell of salloc', { ...SCRIPT, SLURM_STEP_ID: '4294967290' }],
    ['a shell of "srun --pty bash"', { ...STEP, SLURM_STEP_NUM_TASKS: '1', SLURM_PROCID: '0' }],
    [
      'the same where Slurm offers PMIx to all',
      { ...STEP, SLURM_STEP_NUM_TASKS: '1', SLURM_PROCID: '0', PMIX_RANK: '0' },
    ],
  ])('is none in %s', (_where, environment) => {
    expect(detectLauncher(environment)).toBeUndefined()
  })

  it.each([
    ['a batch script', SCRIPT],
    ['a batch script, as step', { ...SCRIPT, SLURM_STEP_ID: '4294967291' }],
    ['a shell of salloc', { ...SCRIPT, SLURM_STEP_ID: '4294967290' }],
    ['a shell of srun', { ...STEP, SLURM_STEP_NUM_TASKS: '1', SLURM_PROCID: '0' }],
    // One of its helpers on each node.
    ['helpers that it has started by srun', { ...STEP, SLURM_STEP_NUM_TASKS: '2', SLURM_PROCID: '1' }],
  ])('is mpirun or mpiexec where that was called from %s', (_where, environment) => {
    expect(detectLauncher({ ...environment, ...OPEN_MPI })).toEqual(openMpi)
    expect(detectLauncher({ ...environment, ...HYDRA })).toEqual(mpich)
  })

  it('that was cleaned away is none, and one below counts', () => {
    expect(detectLauncher({ OMPI_ALLOW_RUN_AS_ROOT: '1', SLURM_JOB_ID: '7' })).toBeUndefined()
    expect(detectLauncher({ SLURM_JOB_ID: '7', ...HYDRA })).toEqual(mpich)
  })

  it('that says numbers which are none is found all the same', () => {
    expect(detectLauncher({ OMPI_COMM_WORLD_SIZE: 'many', OMPI_COMM_WORLD_RANK: '-1' })).toEqual({
      ...openMpi,
      size: undefined,
      rank: undefined,
    })
  })
})
