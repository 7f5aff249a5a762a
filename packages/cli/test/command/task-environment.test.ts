import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  commonEnvironment,
  taskVariables,
  withoutLauncherVariables,
} from '../../src/command/task-environment.ts'

const SEED = 20_260_730
const run = { root: '/out', instance: 'abc', groupSize: 1, extra: {} }
const task = {
  name: 'task_000007',
  index: 6,
  directory: '/out/task_000007',
  attempt: 2,
  claim: 5,
  group: 3,
  groupRank: 0,
}

describe('the environment of a command', () => {
  it('tells the command about its task', () => {
    expect({ ...commonEnvironment({ HOME: '/home/u' }, run), ...taskVariables(task) }).toEqual({
      HOME: '/home/u',
      MPIBATCH_TASK: 'task_000007',
      MPIBATCH_TASK_INDEX: '6',
      MPIBATCH_TASK_DIR: '/out/task_000007',
      MPIBATCH_ROOT: '/out',
      MPIBATCH_ATTEMPT: '2',
      MPIBATCH_CLAIM: '5',
      MPIBATCH_INSTANCE: 'abc',
      MPIBATCH_GROUP: '3',
      MPIBATCH_GROUP_RANK: '0',
      MPIBATCH_GROUP_SIZE: '1',
    })
  })

  it('has what the user adds in the place of what is inherited, and each name only once', () => {
    const extra = { HOME: '/elsewhere', NEW: '', MPIBATCH_TASK: 'another', MPIBATCH_ROOT: '/another' }
    const common = commonEnvironment({ HOME: '/home/u', MPIBATCH_CLAIM: '77' }, { ...run, extra })
    expect(common).toMatchObject({ HOME: '/elsewhere', NEW: '', MPIBATCH_ROOT: '/out' })
    expect(Object.keys(taskVariables(task)).filter((name) => name in common)).toEqual([])
  })

  it('does not hold what an outer batch said about its own task', () => {
    const outer = { MPIBATCH_TASK_DIR: '/outer/x', MPIBATCH_SUPERVISOR: 'x', MPIBATCH_LAUNCHER: 'kept' }
    const common = commonEnvironment(outer, run)
    expect(common).not.toHaveProperty('MPIBATCH_TASK_DIR')
    expect(common).not.toHaveProperty('MPIBATCH_SUPERVISOR')
    expect(common).toHaveProperty('MPIBATCH_LAUNCHER', 'kept')
  })
})

describe('withoutLauncherVariables', () => {
  it.each(['OMPI_COMM_WORLD_SIZE', 'PMIX_RANK', 'PMI_RANK', 'PMI_FD', 'PMI_PORT'])(
    'removes what a launcher left, once %s shows that one started us',
    (mark) => {
      const left = { PATH: '/bin', MPIBATCH_TASK: 'x', OMP_NUM_THREADS: '4', SLURM_JOB_ID: '1' }
      const launcher = {
        OMPI_X: '',
        PMIX_X: '',
        PMI_X: '',
        HYDI_X: '',
        ORTE_X: '',
        OPAL_X: '',
        MPI_LOCALRANKID: '',
      }
      expect(withoutLauncherVariables({ ...left, ...launcher, [mark]: '1' })).toEqual(left)
    },
  )

  it('removes what Slurm says about a step of srun, and leaves what it says about the job', () => {
    const job = { SLURM_JOB_ID: '1', SLURM_NTASKS: '4', SLURM_JOB_NODELIST: 'a,b', SLURM_CPUS_PER_TASK: '2' }
    const step = {
      ...{ SLURM_STEP_ID: '0', SLURM_STEPID: '0', SLURM_STEP_NUM_TASKS: '4', SLURM_PROCID: '1' },
      ...{ SLURM_LOCALID: '1', SLURM_NODEID: '0', SLURM_SRUN_COMM_PORT: '7', SLURM_MPI_TYPE: 'pmix' },
      ...{ SLURM_CPU_BIND: 'quiet', SLURM_PMIX_MAPPING_SERV: 'x' },
    }
    expect(withoutLauncherVariables({ ...job, ...step })).toEqual(job)
    const batch = { ...job, SLURM_PROCID: '0', SLURM_STEP_ID: '4294967291' }
    expect(withoutLauncherVariables(batch)).toEqual(batch)
    const shellOfSalloc = { ...batch, SLURM_STEP_ID: '4294967290' }
    expect(withoutLauncherVariables(shellOfSalloc)).toEqual(shellOfSalloc)
  })

  it('keeps what lets root start ranks, and where a site has its MPI, which no launcher sets', () => {
    const left = { MPI_HOME: '/opt/mpi', OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' }
    expect(withoutLauncherVariables({ ...left, OMPI_COMM_WORLD_SIZE: '2' })).toEqual(left)
  })

  it('keeps the settings of a user whom no launcher started', () => {
    const settings = { OMPI_MCA_btl: 'tcp', MPI_HOME: '/opt/mpi' }
    expect(withoutLauncherVariables(settings)).toEqual(settings)
  })

  it(`leaves nothing of a launcher and all the rest, whatever the names (seed ${SEED})`, () => {
    const name = fc.oneof(
      fc.string({ minLength: 1, unit: 'grapheme-ascii' }),
      fc.constantFrom(
        'OMPI_A',
        'PMIX_B',
        'PMI_C',
        'HYDRA',
        'ORTE',
        'OPAL_D',
        'MPI_LOCAL_E',
        'MPI_HOME',
        'MPIBATCH_F',
        'XMPI_G',
        'PMI',
      ),
    )
    void fc.assert(
      fc.property(fc.dictionary(name, fc.string(), { noNullPrototype: true }), (variables) => {
        const scrubbed = withoutLauncherVariables({ ...variables, PMI_RANK: '0' })
        const isLauncher = (key: string): boolean =>
          ['OMPI_', 'PMIX_', 'PMI_', 'HYD', 'ORTE', 'OPAL', 'MPI_LOCAL'].some((prefix) =>
            key.startsWith(prefix),
          )
        const kept = Object.entries(variables).filter(([key]) => !isLauncher(key))
        expect(scrubbed).toEqual(Object.fromEntries(kept))
      }),
      { seed: SEED },
    )
  })
})
