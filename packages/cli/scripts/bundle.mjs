/**
 * Puts the program, the library and their threads into few files, `dist/bundle`: loading two hundred modules one by one
 * takes longer than most commands do. What packages of others bring stays theirs.
 */
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const PACKAGES = join(dirname(fileURLToPath(import.meta.url)), '../..')
const BUNDLE = join(PACKAGES, 'cli/dist/bundle')

/** Files that are loaded by name: by node, by job scripts, and as first modules of threads. */
const ENTRIES = {
  main: 'cli/src/main.ts',
  index: 'cli/src/index.ts',
  'thread-entry': 'batch-core/src/threads/thread-entry.ts',
  'heartbeat-thread': 'fs-state/src/heartbeat-thread.ts',
  'command-guard-thread': 'cli/src/command/command-guard-thread.ts',
}

const entries = Object.fromEntries(
  Object.entries(ENTRIES).map(([name, path]) => [name, join(PACKAGES, path)]),
)

const bundle = await rolldown({
  input: entries,
  platform: 'node',
  resolve: { conditionNames: ['@mpibatch/source', 'node', 'import', 'default'] },
  tsconfig: false,
  external: (id) => /^[a-z@]/.test(id) && !id.startsWith('@mpibatch/'),
  // All others are there for what they export: a command gets the modules that it uses, not all of their package.
  treeshake: { moduleSideEffects: Object.values(entries) },
  plugins: [{ name: 'places', transform: { filter: { code: /import\.meta\.url/ }, handler: keepPlaces } }],
})
await bundle.write({
  dir: BUNDLE,
  cleanDir: true,
  format: 'esm',
  sourcemap: true,
  chunkFileNames: '[name]-[hash].js',
})
await bundle.close()

/**
 * What a module looks for beside itself (the addon, pages, programs of the doctor) lies where the compiler put the
 * module, in `dist` of its package. Only threads that are in the bundle are started from there.
 */
function keepPlaces(code, id) {
  const [name, , ...path] = relative(PACKAGES, id).split(sep)
  const module = path.join('/').replace(/\.ts$/, '.js')
  const place =
    name === 'cli'
      ? `new URL('../${module}', import.meta.url).href`
      : `new URL('./${module}', import.meta.resolve('@mpibatch/${name}')).href`
  const placed = code.replaceAll(
    /(new URL\('\.\/([\w-]+)\.js', )?import\.meta\.url/g,
    (found, before = '', thread) => (Object.hasOwn(ENTRIES, thread) ? found : `${before}${place}`),
  )
  return { code: placed, map: null }
}
