/**
 * Brings the programs that ours are measured beside into `bench/.peers`, which git ignores: GNU parallel, xargs and make
 * from Debian's packages, where they are not installed, and the others from the Python package registry. Those that are
 * here already are left as they are.
 *
 * Prints a line each. What can't be had is said, and the rows that need it say "not here".
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPeers, PEERS, PYTHON_PEERS, UNPACKED } from './peers.mjs'

/** Debian's packages of the programs that are part of the system. */
const PACKAGES = { parallel: 'parallel', xargs: 'findutils', make: 'make' }

function run(program, argv, options = {}) {
  const { error, status, stderr } = spawnSync(program, argv, { encoding: 'utf8', ...options })
  if (status === 0) return
  throw new Error(
    `"${[program, ...argv].join(' ')}" failed: ${error?.message ?? stderr.trim().split('\n').at(-1)}`,
  )
}

/** Unpacks a Debian package beside the others; that takes no root, and changes nothing of the system. */
function unpack(debianPackage) {
  const directory = mkdtempSync(join(tmpdir(), 'mpibatch-peers-'))
  try {
    run('apt-get', ['download', debianPackage], { cwd: directory })
    for (const file of readdirSync(directory)) run('dpkg', ['-x', join(directory, file), UNPACKED])
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function installPython(name) {
  const requirements = join(import.meta.dirname, 'requirements', `${name}.txt`)
  const place = join(PEERS, name)
  const ready = join(place, 'ready')
  if (existsSync(ready) && readFileSync(ready, 'utf8') === readFileSync(requirements, 'utf8')) return
  rmSync(place, { recursive: true, force: true })
  run('python3', ['-m', 'venv', place])
  const pip = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--requirement',
    requirements,
  ]
  run(join(place, 'bin/python'), pip)
  writeFileSync(ready, readFileSync(requirements))
}

function attempt(name, install) {
  try {
    install()
  } catch (error) {
    process.stderr.write(`${name} can't be had here. ${error.message}\n`)
  }
}

mkdirSync(PEERS, { recursive: true })
const found = findPeers()
for (const [name, debianPackage] of Object.entries(PACKAGES)) {
  if (found[name].missing !== undefined) attempt(name, () => unpack(debianPackage))
}
for (const name of PYTHON_PEERS) attempt(name, () => installPython(name))
const pshmem = join(import.meta.dirname, '../../test/pshmem/prepare.mjs')
attempt('pshmem', () => run(process.execPath, [pshmem], { stdio: ['ignore', 'inherit', 'inherit'] }))

for (const [name, peer] of Object.entries(findPeers())) {
  console.log(`${name.padEnd(12)}${peer.version ?? peer.missing}`)
}
