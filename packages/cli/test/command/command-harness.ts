import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command, CommandResult } from '../../src/command/command-runner.ts'
import { LocalCommandRunner, type LocalCommandRunnerOptions } from '../../src/command/local-command-runner.ts'
import { NativeProcessStarter } from '../../src/command/native-process-starter.ts'
import { PortableProcessStarter } from '../../src/command/portable-process-starter.ts'
import type { ProcessStarter } from '../../src/command/process-starter.ts'

/** The ways to start processes, each with its name; without the addon, those that need none. */
export const STARTERS: readonly (readonly [name: string, open: () => Promise<ProcessStarter>])[] = [
  ...nativeStarter(),
  // Through setpriv, where it is installed.
  ['portable', () => PortableProcessStarter.open()],
  [
    'portable without the parent-death signal',
    () => PortableProcessStarter.open({ parentDeathSignal: false }),
  ],
]

/** Those that runs take: the fastest that the machine has, and the one that needs no addon. */
export const STARTERS_OF_RUNS: typeof STARTERS = STARTERS.slice(0, -1)

function nativeStarter(): typeof STARTERS {
  const starter = NativeProcessStarter.open()
  if (starter !== undefined) return [['native', () => Promise.resolve(starter)]]
  process.stderr.write('The addon is not there: the native way to start commands is not tested.\n')
  return []
}

/** What a run left: its result, and its output if logs were asked for. */
export interface Ran {
  readonly result: CommandResult
  readonly stdout: string
  readonly stderr: string
}

/** Runs words in a directory with both logs there and a plain environment. */
export async function run(
  directory: string,
  argv: readonly string[],
  options: Partial<Command> & { readonly runner?: LocalCommandRunnerOptions } = {},
): Promise<Ran> {
  const { runner, ...rest } = options
  const paths = { stdoutPath: join(directory, 'stdout'), stderrPath: join(directory, 'stderr') }
  const environment = { PATH: process.env.PATH ?? '' }
  const result = await new LocalCommandRunner(runner).run({ argv, directory, environment, ...paths, ...rest })
  return { result, stdout: textOf(paths.stdoutPath), stderr: textOf(paths.stderrPath) }
}

/** Runs a line of the shell. */
export function runShell(
  directory: string,
  line: string,
  options: Parameters<typeof run>[2] = {},
): Promise<Ran> {
  return run(directory, ['/bin/sh', '-c', line], options)
}

/** A file's text, empty if there is no file. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** The kernel's letter for what a process does (`R`, `S`, `T`, …); `undefined` if nothing of it runs any more. */
export function processState(pid: number): string | undefined {
  const letter = /^\d+ \(.*\) (\S)/s.exec(textOf(`/proc/${pid}/stat`))?.[1]
  return letter === 'Z' || letter === 'X' ? undefined : letter
}
