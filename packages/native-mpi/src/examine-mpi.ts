/** Finds out which MPI is here, and whether it works, by starting it: for `mpibatch doctor`. */
import { execFile } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { libraryNames } from './library-names.ts'
import type { MpiFacts } from './mpi-job.ts'
import { addonPath } from './native.ts'

/** A library that can be opened. */
export interface FoundLibrary {
  readonly path: string
  readonly version: string
  readonly abi: 'openmpi' | 'mpich' | 'standard'
}

/** A launcher that is on the search path, and what became of two ranks that it started. */
export interface TriedLauncher {
  readonly command: string
  /** What it says of its version. */
  readonly version: string
  /** What rank 0 found; `null` if they did not meet. */
  readonly facts: MpiFacts | null
  /** Why they did not. */
  readonly fault?: string
}

/** Which MPI is here. */
export interface MpiExamination {
  /** File of the addon; `null` where it was not built. */
  readonly addon: string | null
  readonly libraries: readonly FoundLibrary[]
  readonly launchers: readonly TriedLauncher[]
}

const LAUNCHERS = ['mpirun', 'mpiexec', 'mpirun.openmpi', 'mpirun.mpich', 'mpiexec.hydra']
const INSPECT_MS_MAX = 10_000
const PROBE_MS_MAX = 30_000
/** The probe is small: it may have ranks beside each other on one processor (Open MPI 4, and 5 by PRRTE). */
const CROWDED = {
  OMPI_MCA_rmaps_base_oversubscribe: '1',
  PRTE_MCA_rmaps_default_mapping_policy: ':oversubscribe',
}

/** Looks for libraries and launchers, and starts two ranks with each launcher. Takes some seconds. */
export async function examineMpi(): Promise<MpiExamination> {
  if (!existsSync(addonPath)) return { addon: null, libraries: [], launchers: [] }
  const libraries: FoundLibrary[] = []
  for (const name of libraryNames(undefined, process.env.MPIBATCH_LIBMPI)) {
    const found = await inspect(name)
    if (found !== undefined && !libraries.some(({ path }) => path === found.path)) libraries.push(found)
  }
  const launchers: TriedLauncher[] = []
  const programs = new Set<string>()
  for (const command of LAUNCHERS) {
    const path = findOnPath(command)
    if (path === undefined || programs.has(path)) continue
    programs.add(path)
    const { stdout } = await run(command, ['--version'], INSPECT_MS_MAX)
    launchers.push({ command, version: versionIn(stdout), ...(await tryLauncher(command)) })
  }
  return { addon: addonPath, libraries, launchers }
}

async function inspect(name: string): Promise<FoundLibrary | undefined> {
  const { stdout } = await run(process.execPath, [entry('inspect-entry.js'), name], INSPECT_MS_MAX)
  const found = parse<FoundLibrary & { fault?: string }>(stdout)
  if (found === undefined || found.fault !== undefined) return undefined
  return { ...found, version: found.version.replace(/\s+/g, ' ') }
}

async function tryLauncher(command: string): Promise<Pick<TriedLauncher, 'facts' | 'fault'>> {
  const argv = ['-n', '2', process.execPath, entry('probe-entry.js')]
  const { stdout, stderr, fault } = await run(command, argv, PROBE_MS_MAX)
  const facts = parse<MpiFacts & { readonly met: number }>(stdout)
  if (facts !== undefined && facts.met === 2) return { facts }
  const own = /^mpibatch: .*|^.*MpiError: .*/m.exec(stderr)?.[0]
  return {
    facts: null,
    fault: own ?? (firstLine(stderr.replace(/^-+$/gm, '')) || fault || 'It printed nothing.'),
  }
}

interface Ended {
  readonly stdout: string
  readonly stderr: string
  /** Why it did not end well. */
  readonly fault?: string
}

function run(command: string, argv: readonly string[], timeoutMs: number): Promise<Ended> {
  return new Promise((resolve) => {
    const options = {
      timeout: timeoutMs,
      killSignal: 'SIGKILL' as const,
      env: { ...process.env, ...CROWDED },
    }
    execFile(command, argv, options, (error, stdout, stderr) =>
      resolve({ stdout, stderr, ...(error === null ? {} : { fault: error.message }) }),
    )
  })
}

function entry(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

/** The program itself: the same one may be called by several names. */
function findOnPath(command: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const path = folders.map((folder) => join(folder, command)).find((candidate) => existsSync(candidate))
  return path === undefined ? undefined : realpathSync(path)
}

/** The first line with a number in it; hydra's first line has none. */
function versionIn(text: string): string {
  return (/^.*\d.*$/m.exec(text)?.[0] ?? '').replace(/\s+/g, ' ').trim()
}

function firstLine(text: string): string {
  return (
    text
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? ''
  )
}

function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(firstLine(text)) as T
  } catch {
    return undefined
  }
}
