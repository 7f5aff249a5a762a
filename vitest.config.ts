import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Unit tests run from source; the other suites start the built programs, so `npm run build` comes first. */
const fromSource = { conditions: ['@mpibatch/source'] }

/** For suites that are about time, with real processes: what else the machine does may spoil one try; a fault spoils two. */
const retry = 1

export default defineConfig({
  test: {
    // Most tests wait for processes that they started, also on small machines.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      {
        resolve: fromSource,
        ssr: { resolve: fromSource },
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts'],
          // A process for each of eighty files costs as much as the tests do.
          isolate: false,
          testTimeout: 20_000,
          // Thousands of directories are to be removed.
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'multi-process',
          include: ['test/multi-process/**/*.test.ts'],
          retry,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Hundreds of processes that are killed or stopped, one after another.
        test: { name: 'crashes', include: ['test/crashes/**/*.test.ts'], testTimeout: 60_000 },
      },
      {
        // Whole runs of commands that are killed and frozen.
        test: {
          name: 'recovery',
          include: ['test/recovery/**/*.test.ts'],
          retry,
          testTimeout: 90_000,
          hookTimeout: 90_000,
        },
      },
      {
        // Needs Open MPI and MPICH; each is skipped where it is missing, unless MPIBATCH_REQUIRE_MPI=1.
        test: {
          name: 'mpi',
          include: ['test/mpi/**/*.test.ts'],
          retry,
          testTimeout: 60_000,
          // Each test has several ranks, and some are about time.
          fileParallelism: false,
        },
      },
      {
        // Needs Python's pshmem, which test/pshmem/prepare.mjs installs.
        test: {
          name: 'pshmem',
          include: ['test/pshmem/**/*.test.ts'],
          testTimeout: 90_000,
          // Each test has two jobs of several processes, and what it is about is their timing.
          fileParallelism: false,
        },
      },
      {
        // Mounts weak file systems, and looks at each for half a minute.
        test: {
          name: 'doctor',
          include: ['test/doctor/**/*.test.ts'],
          testTimeout: 180_000,
          retry,
          fileParallelism: false,
        },
      },
      {
        // A million schedules of the store over a simulated file system: `npm run test:schedules`.
        resolve: fromSource,
        ssr: { resolve: fromSource },
        test: {
          name: 'schedules',
          include: ['packages/fs-state/test/simulation/*.schedules.ts'],
          // What a schedule leaves is short-lived: room for it spares the collector half of its work.
          execArgv: ['--max-semi-space-size=64'],
          testTimeout: 3_600_000,
        },
      },
      {
        // Fake nodes: needs root and some Debian packages, which test/cluster/bed/deps.sh installs.
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 180_000,
          retry,
          fileParallelism: false,
        },
      },
      {
        // The same nodes, with MPI between them: its packages are installed by test/cluster/bed/deps.sh too.
        test: {
          name: 'cluster-mpi',
          include: ['test/cluster-mpi/**/*.test.ts'],
          retry,
          testTimeout: 180_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        // Each example alone and on threads; test/mpi has them under MPI.
        test: { name: 'examples', include: ['test/examples/**/*.test.ts'], retry, testTimeout: 90_000 },
      },
      {
        // Holds the documentation against the program, which it starts once for each of its shell lines.
        test: { name: 'docs', include: ['test/docs/**/*.test.ts'], testTimeout: 300_000 },
      },
      {
        // Counts calls, instructions and bytes; needs strace and valgrind, skipped where one is missing, unless
        // MPIBATCH_REQUIRE_COSTS=1.
        test: { name: 'costs', include: ['test/costs/**/*.test.ts'], testTimeout: 600_000 },
      },
      {
        // Needs a browser, Debian's chromium; skipped where there is none, unless MPIBATCH_REQUIRE_BROWSER=1.
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          retry,
          testTimeout: 90_000,
          fileParallelism: false,
        },
      },
      {
        // Installs the packed packages with npm, so it needs a registry or a filled cache.
        test: { name: 'packages', include: ['test/packages/**/*.test.ts'], testTimeout: 300_000 },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          retry,
          testTimeout: 90_000,
          hookTimeout: 90_000,
        },
      },
    ],
  },
})
