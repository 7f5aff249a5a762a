/**
 * Puts the program, the library and their threads into few files, `dist/bundle`: loading two hundred modules one by one
 * takes longer than most commands do. What many starts need of others' packages is taken in, with its licence.
 */
import { copyFileSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const PACKAGES = join(dirname(fileURLToPath(import.meta.url)), '../..')
const BUNDLE = join(PACKAGES, 'cli/dist/bundle')

/** What is loaded by name and shares its modules: the program, the library, and the first module of a rank's thread. */
const PROGRAMS = {
  main: 'cli/src/main.ts',
  index: 'cli/src/index.ts',
  'thread-entry': 'batch-core/src/threads/thread-entry.ts',
}
/** Threads that share nothing but memory: each is one file, with no more in it than it needs. */
const THREADS = {
  'heartbeat-thread': 'fs-state/src/heartbeat-thread.ts',
  'command-guard-thread': 'cli/src/command/command-guard-thread.ts',
}

const STARTED = { ...PROGRAMS, ...THREADS }

/** Packages of others that are taken in: most commands, or every job script, would wait for their files. They need no others. */
const TAKEN_IN = ['zod', 'yargs-parser']

/** Modules that `--version` needs, which shall not have to load the rest for them. */
const OF_MAIN =
  /\/cli\/src\/(main|exit-code|program-version|output\/broken-pipe|commands\/parse-arguments)\.ts$/
/** Entries and commands that have to share a module for it to be loaded by all; measured: fewer and more are slower. */
const SHARED_MIN = 12

// What most commands need is one file; without this it would be forty, one for each set of commands that shares it.
const common = {
  name: 'common',
  test: (id) => id.startsWith(PACKAGES) && !OF_MAIN.test(id),
  minShareCount: SHARED_MIN,
}
rmSync(BUNDLE, { recursive: true, force: true })
await bundle(PROGRAMS, { groups: [common] })
for (const [name, path] of Object.entries(THREADS)) await bundle({ [name]: path }, false)
for (const name of TAKEN_IN) copyFileSync(licenceOf(name), join(BUNDLE, `${name}.LICENSE`))

async function bundle(entries, codeSplitting) {
  const input = Object.fromEntries(
    Object.entries(entries).map(([name, path]) => [name, join(PACKAGES, path)]),
  )
  const made = await rolldown({
    input,
    platform: 'node',
    resolve: { conditionNames: ['@mpibatch/source', 'node', 'import', 'default'] },
    tsconfig: false,
    external: (id) => /^[a-z@]/.test(id) && !id.startsWith('@mpibatch/') && !TAKEN_IN.includes(id),
    treeshake: { moduleSideEffects: (id, isExternal) => !isExternal && !isForExports(id, input) },
    plugins: [{ name: 'places', transform: { filter: { code: /import\.meta\.url/ }, handler: keepPlaces } }],
  })
  await made.write({
    dir: BUNDLE,
    format: 'esm',
    sourcemap: true,
    chunkFileNames: '[name]-[hash].js',
    codeSplitting,
  })
  await made.close()
}

/** Modules of ours, but those that are started: a command gets those of which it uses something, not all of a package. */
function isForExports(id, input) {
  return id.startsWith(PACKAGES) && !Object.values(input).includes(id)
}

function licenceOf(name) {
  const folder = join(PACKAGES, '../node_modules', name)
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  if (file === undefined) throw new Error(`${folder} has no licence that could go with it`)
  return join(folder, file)
}

/**
 * What a module looks for beside itself (the addon, pages, programs of the doctor) lies where the compiler put the
 * module, in `dist` of its package. Only threads that are in the bundle are started from there.
 */
function keepPlaces(code, id) {
  const [name, , ...path] = relative(PACKAGES, id).split(sep)
  if (name === '..') return null
  const module = path.join('/').replace(/\.ts$/, '.js')
  const place =
    name === 'cli'
      ? `new URL('../${module}', import.meta.url).href`
      : `new URL('./${module}', import.meta.resolve('@mpibatch/${name}')).href`
  const placed = code.replaceAll(
    /(new URL\('\.\/([\w-]+)\.js', )?import\.meta\.url/g,
    (found, before = '', thread) => (Object.hasOwn(STARTED, thread) ? found : `${before}${place}`),
  )
  return { code: placed, map: null }
}
