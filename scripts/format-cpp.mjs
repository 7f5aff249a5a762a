/**
 * Formats the C++ of native-mpi by `.clang-format`; with --check it only says what is not formatted, and exits 1.
 *
 * The npm package clang-format brings a program for x86-64 Linux and macOS; elsewhere this does nothing but say so.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const PLATFORMS = ['linux-x64', 'darwin-x64']
const directory = join(import.meta.dirname, '../packages/native-mpi/native')

if (!PLATFORMS.includes(`${process.platform}-${process.arch}`)) {
  process.stdout.write('There is no clang-format for this platform: the C++ is not looked at.\n')
} else {
  const program = createRequire(import.meta.url).resolve('clang-format')
  const action = process.argv.includes('--check') ? ['--dry-run', '-Werror'] : ['-i']
  const files = readdirSync(directory).map((name) => join(directory, name))
  const { status } = spawnSync(process.execPath, [program, ...action, ...files], { stdio: 'inherit' })
  process.exitCode = status ?? 1
}
