import { existsSync, statSync } from 'node:fs'
import { ConfigError, DEFAULT_ROOT } from '@mpibatch/batch-core'
import { examineDirectory } from '@mpibatch/fs-state'
import type { LauncherFacts, MpiJob } from '@mpibatch/native-mpi'
import { EXIT_CODE } from '../exit-code.ts'
import { readSpawning } from '../input/spawn-variable.ts'
import { type Spawning, spawningText, stepText, verdictText } from '../output/doctor-report.ts'
import { judgeMpi, type MpiReport, mpiText } from '../output/mpi-report.ts'
import type { Command } from './command.ts'
import { parseArguments } from './parse-arguments.ts'

/** Exit codes of the doctor, which scripts ask before they start something. */
const VERDICT_CODES = { ok: EXIT_CODE.done, degraded: EXIT_CODE.notDone, unsafe: EXIT_CODE.usage } as const

/** `mpibatch doctor [DIR] [--json] [--peer HOST] [--repair]`: whether a directory is safe for a task root. */
export const doctorCommand: Command = {
  async run(argv) {
    const { words, values } = await parseArguments(argv, {
      usage: 'doctor [DIR]',
      options: {
        peer: { type: 'string', describe: 'examine it together with HOST, reached by ssh (or MPIBATCH_RSH)' },
        repair: {
          type: 'boolean',
          describe: 'open the tasks of dead owners again, and complete their results',
        },
        json: { type: 'boolean', describe: 'print one object' },
      },
    })
    if (words.length > 1) throw new ConfigError(`One directory was expected, and ${words.length} were given.`)
    const json = values.json === true
    const { detectLauncher, openMpiJob } = await import('@mpibatch/native-mpi')
    const launcher = detectLauncher(process.env) ?? null
    // All ranks of a job meet, so that its first can say where they are; that one alone examines the directory.
    const job = launcher === null ? null : await openMpiJob()
    if (job !== null && job.facts.rank > 0) {
      await job.close()
      return EXIT_CODE.done
    }
    const program = process.env.MPIBATCH_RSH
    const stop = stopOnSignals()
    try {
      const report = await examineDirectory({
        ...chooseDirectory(words[0]),
        ...(typeof values.peer === 'string' ? { peer: values.peer } : {}),
        ...(program === undefined || program === '' ? {} : { peerProgram: program }),
        repair: values.repair === true,
        signal: stop.signal,
        onLeft: (path) =>
          process.stderr.write(
            `mpibatch: ${path} could not be removed; do it when the file system answers.\n`,
          ),
        onStep: (step) => {
          if (!json) process.stdout.write(stepText(step))
        },
      })
      const mpi = await findMpi(launcher, job)
      const spawning = await findSpawning()
      process.stdout.write(
        json
          ? `${JSON.stringify({ ...report, mpi, spawning })}\n`
          : `${mpiText(mpi)}${spawningText(spawning)}${verdictText(report)}`,
      )
      return VERDICT_CODES[report.verdict]
    } catch (error) {
      if (stop.exitCode() !== undefined && stop.signal.reason === error)
        return stop.exitCode() ?? EXIT_CODE.bug
      throw error
    } finally {
      stop.release()
      await job?.close()
    }
  },
}

/** Under a launcher no other one can be tried: the job itself is the proof. */
async function findMpi(launcher: LauncherFacts | null, job: MpiJob | null): Promise<MpiReport> {
  const { addonPath, examineMpi } = await import('@mpibatch/native-mpi')
  if (job === null) return judgeMpi(await examineMpi(), launcher, null)
  return judgeMpi({ addon: addonPath, libraries: [], launchers: [] }, launcher, job.facts)
}

/** How a run that is started like the doctor starts commands. */
async function findSpawning(): Promise<Spawning> {
  if (readSpawning(process.env.MPIBATCH_SPAWN) === 'portable') return 'portable'
  const { canSpawn } = await import('@mpibatch/native-mpi/process-spawner')
  return canSpawn() ? 'native' : 'portable'
}

/** Without a name, the default root where there is one, else the current directory. */
function chooseDirectory(word: string | undefined): { readonly directory: string; readonly save: boolean } {
  const directory = word ?? (existsSync(DEFAULT_ROOT) ? DEFAULT_ROOT : '.')
  const found = statSync(directory, { throwIfNoEntry: false })
  if (found === undefined) {
    throw new ConfigError(
      `There is no directory ${JSON.stringify(directory)}. Make it, or name the one that it will lie in.`,
    )
  }
  if (!found.isDirectory()) throw new ConfigError(`${JSON.stringify(directory)} is not a directory.`)
  return { directory, save: directory === DEFAULT_ROOT }
}

const SIGNALS = { SIGINT: EXIT_CODE.interrupted, SIGTERM: EXIT_CODE.terminated, SIGHUP: 129 } as const

/** Turns the signals that end a program into an abort, so that what it has made is removed first. */
function stopOnSignals(): {
  readonly signal: AbortSignal
  exitCode(): number | undefined
  release(): void
} {
  const controller = new AbortController()
  let exitCode: number | undefined
  const handlers = Object.entries(SIGNALS).map(([name, code]) => {
    const handler = (): void => {
      exitCode ??= code
      controller.abort(new Error(`Ended by ${name}.`))
    }
    process.on(name as NodeJS.Signals, handler)
    return [name as NodeJS.Signals, handler] as const
  })
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    release: () => {
      for (const [name, handler] of handlers) process.off(name, handler)
    },
  }
}
