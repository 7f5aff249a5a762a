/**
 * Structural checks that the compiler and the linter don't make. Prints every fault and exits 1 if there is one.
 *
 * - no source file over 400 lines;
 * - arrows between packages point at batch-core, and only cli sees all; nobody reaches into another package's src;
 * - every error code stands in docs/errors.md, and every code there exists;
 * - no two tests of one file have the same name;
 * - every file and test that docs/testing.md names exists.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const root = join(import.meta.dirname, '..')
const LINES_MAX = 400
const SKIPPED = new Set([
  'node_modules',
  'build',
  'dist',
  '.turbo',
  '.git',
  '.venv',
  '.peers',
  'mpibatch.out',
])
const SOURCE = /\.(ts|mjs|cc|h)$/

/** Packages that a package may import. */
const ALLOWED = {
  'batch-core': [],
  'fs-state': ['@mpibatch/batch-core'],
  'native-mpi': ['@mpibatch/batch-core'],
  cli: ['@mpibatch/batch-core', '@mpibatch/fs-state', '@mpibatch/native-mpi'],
}

const faults = []

function filesBelow(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return []
    const path = join(directory, entry.name)
    return entry.isDirectory() ? filesBelow(path) : SOURCE.test(entry.name) ? [path] : []
  })
}

function checkLength(path, text) {
  const lines = text.split('\n').length - 1
  if (lines > LINES_MAX) faults.push(`${path}: ${lines} lines, more than ${LINES_MAX}`)
}

function checkBorders(path, text) {
  const owner = /^packages\/([^/]+)\/src\//.exec(path)?.[1]
  if (owner === undefined) return
  const allowed = ALLOWED[owner] ?? []
  for (const [, specifier] of text.matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
    const own = specifier.startsWith('.') || specifier.startsWith('node:')
    if (own && /(^|\/)\.\.\/\.\.\/(batch-core|fs-state|cli|native-mpi)\//.test(specifier)) {
      faults.push(`${path}: reaches into another package by path (${specifier})`)
    }
    const packageName = /^(@mpibatch\/[^/]+|mpibatch$)/.exec(specifier)?.[1]
    if (packageName !== undefined && !allowed.includes(packageName)) {
      faults.push(`${path}: ${owner} may not import ${specifier}`)
    }
  }
}

function checkTestNames(path, text) {
  if (!/\.test\.ts$/.test(path)) return
  const seen = new Set()
  // A suite of its own begins at every describe, also at one whose name is made from a table.
  let suite = 0
  for (const line of text.split('\n')) {
    if (/^\s*describe\b/.test(line)) suite += 1
    const name = /^\s*it(?:\.\w+(?:\(.*?\))?)*\(['`]([^'`]*)['`]/.exec(line)?.[1]
    if (name === undefined) continue
    if (seen.has(`${suite} ${name}`)) faults.push(`${path}: two tests of one suite are called "${name}"`)
    seen.add(`${suite} ${name}`)
  }
}

function checkErrorCodes() {
  const inCode = new Set(
    readFileSync(join(root, 'packages/batch-core/src/errors.ts'), 'utf8').match(/ERR_MPIBATCH_[A-Z_]+/g),
  )
  const inDocs = new Set(readFileSync(join(root, 'docs/errors.md'), 'utf8').match(/ERR_MPIBATCH_[A-Z_]+/g))
  for (const code of inCode) if (!inDocs.has(code)) faults.push(`docs/errors.md lacks ${code}`)
  for (const code of inDocs)
    if (!inCode.has(code)) faults.push(`docs/errors.md names ${code}, which no error has`)
}

/** Files stand there as `path`, and the names of their tests behind it in quotes, as they stand in the source. */
function checkNamedTests() {
  const text = readFileSync(join(root, 'docs/testing.md'), 'utf8')
  for (const [, path, names] of text.matchAll(/`([\w./-]+\.(?:ts|mjs))`(?::((?: "[^"]+",?)+))?/g)) {
    if (!existsSync(join(root, path))) {
      faults.push(`docs/testing.md names ${path}, which does not exist`)
      continue
    }
    const source = readFileSync(join(root, path), 'utf8')
    for (const [, name] of (names ?? '').matchAll(/"([^"]+)"/g))
      if (!source.includes(name)) faults.push(`docs/testing.md names a test "${name}", which ${path} lacks`)
  }
}

for (const file of filesBelow(root)) {
  const path = relative(root, file)
  const text = readFileSync(file, 'utf8')
  checkLength(path, text)
  checkBorders(path, text)
  checkTestNames(path, text)
}
checkErrorCodes()
checkNamedTests()

for (const fault of faults) process.stderr.write(`tidy: ${fault}\n`)
process.exitCode = faults.length === 0 ? 0 : 1
