/**
 * Compiles the addon with $CXX (or c++) and headers from npm packages; downloads nothing and needs no MPI.
 *
 * Writes build/<platform>-<arch>.node. Without a compiler, or on another system than Linux, it says so in one line and
 * ends well: everything but MPI works.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const target = join(root, 'build', `${process.platform}-${process.arch}.node`)
const compiler = process.env.CXX || 'c++'

function skip(reason) {
  process.stdout.write(
    `native-mpi: ${reason}; mpibatch works without MPI. docs/mpi.md says what is needed.\n`,
  )
  process.exit(0)
}

if (process.platform !== 'linux') skip(`the addon is for Linux, not for ${process.platform}`)
const found = spawnSync(compiler, ['--version'], { stdio: 'ignore' })
if (found.error !== undefined || found.status !== 0) skip(`there is no C++ compiler "${compiler}" (set CXX)`)

const require = createRequire(import.meta.url)
const includes = [dirname(require.resolve('node-addon-api/napi.h')), require('node-api-headers').include_dir]
const sources = readdirSync(join(root, 'native')).filter((name) => name.endsWith('.cc'))
const staged = `${target}.${process.pid}`
mkdirSync(dirname(target), { recursive: true })
const argv = [
  ...['-std=c++17', '-O2', '-fPIC', '-shared', '-pthread', '-fvisibility=hidden', '-Wall', '-Wextra'],
  ...['-DNAPI_VERSION=8', '-DNAPI_CPP_EXCEPTIONS', '-D_GNU_SOURCE'],
  // Events may still come while Node takes itself apart, and JavaScript can't hear them: that must not end in abort().
  '-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
  // Runs on machines with an older C++ library than this one's.
  ...['-static-libstdc++', '-static-libgcc'],
  ...includes.flatMap((path) => ['-isystem', path]),
  ...sources.map((name) => join(root, 'native', name)),
  ...['-ldl', '-s', '-o', staged],
]
const compiled = spawnSync(compiler, argv, { stdio: 'inherit' })
if (compiled.status !== 0) {
  process.stderr.write(`native-mpi: ${compiler} could not compile the addon; see above.\n`)
  process.exit(1)
}
renameSync(staged, target)
