/**
 * Makes `test/pshmem/.venv`, a Python with what requirements.txt names, unless it is there already. It needs python3
 * with its venv module, and the Python package registry or a filled cache of pip.
 *
 * Where it can't be had, says why and ends well, and the tests are skipped; with MPIBATCH_REQUIRE_PSHMEM=1 it is an
 * error.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const environment = join(import.meta.dirname, '.venv')
const python = join(environment, 'bin/python')
const requirements = join(import.meta.dirname, 'requirements.txt')
const readyMark = join(environment, 'ready')

function isReady() {
  try {
    return readFileSync(readyMark, 'utf8') === readFileSync(requirements, 'utf8')
  } catch {
    return false
  }
}

function run(program, ...argv) {
  const { error, status, stderr } = spawnSync(program, argv, { encoding: 'utf8' })
  if (status === 0) return
  const reason = error?.message ?? stderr.trim().split('\n').at(-1)
  throw new Error(`"${[program, ...argv].join(' ')}" failed: ${reason}`)
}

function prepare() {
  rmSync(environment, { recursive: true, force: true })
  run('python3', '-m', 'venv', environment)
  run(python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements)
  run(python, '-c', 'import pshmem; from mpi4py import MPI')
  writeFileSync(readyMark, readFileSync(requirements))
}

if (!isReady()) {
  try {
    prepare()
  } catch (error) {
    process.stderr.write(`pshmem can't be had here, so its tests can't run. ${error.message}\n`)
    if (process.env.MPIBATCH_REQUIRE_PSHMEM === '1') process.exitCode = 1
  }
}
