/** Which of the programs that ours are measured beside are here, and where. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Folder that `prepare.mjs` fills. */
export const PEERS = join(import.meta.dirname, '../.peers')
/** What Debian's packages were unpacked to, where they were not installed. */
export const UNPACKED = join(PEERS, 'debian')
/** Python with pshmem and its Open MPI; the tests beside pshmem use it too. */
export const PSHMEM = join(import.meta.dirname, '../../test/pshmem/.venv')
/** Programs in Python that peers run. */
export const PROGRAMS = join(import.meta.dirname, 'programs')
/** Packages of the Python package registry, and what `prepare.mjs` calls their folders. */
export const PYTHON_PEERS = ['jug', 'disbatch', 'hyperqueue', 'dask']

const NOT_PREPARED = 'it is not here (npm run bench:peers)'
const VERSION = /\d+(\.\d+)*/

function systemPeer(name) {
  const paths = [...(process.env.PATH ?? '').split(delimiter), join(UNPACKED, 'usr/bin')]
  const path = paths.map((directory) => join(directory, name)).find((file) => existsSync(file))
  if (path === undefined) return { missing: NOT_PREPARED }
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  return { path, version: VERSION.exec(stdout ?? '')?.[0] ?? 'of unknown version' }
}

function pythonPeer(place, distribution) {
  if (!existsSync(join(place, 'ready'))) return { missing: NOT_PREPARED }
  const program = `import importlib.metadata as m; print(m.version('${distribution}'))`
  const { status, stdout } = spawnSync(join(place, 'bin/python'), ['-c', program], { encoding: 'utf8' })
  if (status !== 0) return { missing: `it does not start from ${place} (npm run bench:peers)` }
  return { path: join(place, 'bin'), version: stdout.trim() }
}

/**
 * Looks for every peer: `path` and `version`, or `missing` with a sentence. The path of those in Python is the folder with
 * their programs.
 *
 * @param isAlone - Whether ours is to be measured alone; nothing is looked for then.
 */
export function findPeers({ isAlone = false } = {}) {
  const alone = { missing: 'ours is measured alone' }
  const find = (look) => (isAlone ? alone : look())
  return {
    parallel: find(() => systemPeer('parallel')),
    xargs: find(() => systemPeer('xargs')),
    make: find(() => systemPeer('make')),
    pshmem: find(() => pythonPeer(PSHMEM, 'pshmem')),
    ...Object.fromEntries(
      PYTHON_PEERS.map((name) => [name, find(() => pythonPeer(join(PEERS, name), name))]),
    ),
  }
}
