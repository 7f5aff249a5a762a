/** Counts what programs cost, where no clock is asked: system calls and instructions. */
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const run = promisify(execFile)

/** Something that is counted, by name. */
export type Counts = Readonly<Record<string, number>>

/**
 * Declares a suite that needs a tool. Where that is missing the suite is skipped, and its title says why; with
 * MPIBATCH_REQUIRE_COSTS=1 that is an error.
 */
export function describeWith(tool: 'strace' | 'valgrind', title: string, declare: () => void): void {
  const isThere = spawnSync(tool, ['--version']).status === 0
  if (!isThere && process.env.MPIBATCH_REQUIRE_COSTS === '1')
    throw new Error(`MPIBATCH_REQUIRE_COSTS=1, but there is no ${tool}. Install it (Debian: ${tool}).`)
  if (isThere) describe(title, declare)
  else describe.skip(`${title} (there is no ${tool})`, declare)
}

/** An empty directory, in memory where the system has such: what a disk does is not what is counted. */
export function workDirectory(): string {
  return temporaryDirectory(existsSync('/dev/shm') ? '/dev/shm' : tmpdir())
}

/** A system call, with its line of strace. */
export interface SystemCall {
  readonly name: string
  readonly text: string
}

/** How often a thread looks for what others did, or grows, depends on how fast they are; these say nothing. */
const BY_CHANCE = new Set(['epoll_pwait', 'mmap', 'wait4', 'exit', 'exit_group', 'pidfd_open'])
/** So do calls on what threads and processes wake each other with. */
const ON_NO_FILE = /^\d+ +\w+\(\d+<(anon_inode|pipe|socket|UNIX)/

/** The system calls on files and processes that a Node program makes, in all of its threads but in none of its commands. */
export async function systemCalls(
  argv: readonly string[],
  options: { readonly cwd: string },
): Promise<readonly SystemCall[]> {
  const log = join(temporaryDirectory(), 'calls')
  const trace = ['-f', '-y', '--seccomp-bpf', '-qq', '-e', 'trace=%file,%desc,%process', '-e', 'signal=none']
  // Where programs are looked for is not a matter of this machine.
  const env = { ...process.env, PATH: '/usr/bin:/bin' }
  await run('strace', [...trace, '-o', log, process.execPath, ...argv], {
    ...options,
    env,
    maxBuffer: 2 ** 26,
  })
  const lines = readFileSync(log, 'utf8').split('\n')
  const [program] = lines
  // A process that becomes another program is a command: what it does before that and afterwards is its own.
  const commands = new Set(
    lines.filter((line) => line !== program && /^\d+ +execve\(/.test(line)).map((line) => parseInt(line, 10)),
  )
  return lines.flatMap((text) => {
    const [, name] = /^\d+ +(\w+)\(/.exec(text) ?? []
    if (name === undefined || BY_CHANCE.has(name) || ON_NO_FILE.test(text)) return []
    return commands.has(parseInt(text, 10)) ? [] : [{ name, text }]
  })
}

/** How many of each system call a program makes. */
export async function countSystemCalls(
  argv: readonly string[],
  options: { readonly cwd: string },
): Promise<Counts> {
  const counts: Record<string, number> = {}
  for (const { name } of await systemCalls(argv, options)) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/**
 * Instructions of a Node program. It runs without compiling its own code to that of the machine, in one thread: two
 * counts of the same program differ by less than a thousandth, and say nothing of how fast it is.
 */
export async function countInstructions(argv: readonly string[]): Promise<number> {
  const valgrind = ['--tool=callgrind', '--callgrind-out-file=/dev/null']
  const node = [process.execPath, '--jitless', '--single-threaded', '--predictable', ...argv]
  const { stderr } = await run('valgrind', [...valgrind, ...node])
  const [, count] = /Collected : (\d+)/.exec(stderr) ?? []
  if (count === undefined) throw new Error(`valgrind has counted nothing: ${stderr}`)
  return Number(count)
}

/** What one more task costs: the difference of two counts, so that start and end fall out. */
export function perTask(few: Counts, many: Counts, taskCount: number): Counts {
  const names = new Set([...Object.keys(few), ...Object.keys(many)])
  return Object.fromEntries(
    [...names].map((name) => [name, ((many[name] ?? 0) - (few[name] ?? 0)) / taskCount]),
  )
}

/** What happens once in a while counts as nothing. */
const NOTHING = 0.15

/** Expects no count above its bound, and none without one. */
export function expectWithin(counts: Counts, bounds: Counts, advice: string): void {
  const seen = Object.entries(counts).sort(([, one], [, other]) => other - one)
  const shown = seen.filter(([, count]) => count > 0.01).map(([name, count]) => `${name} ${count.toFixed(2)}`)
  console.info(`Counted: ${shown.join(', ')}.`)
  const above = seen
    .filter(([name, count]) => count > (bounds[name] ?? 0) + NOTHING)
    .map(([name, count]) => `${name}: ${count.toFixed(2)}, where ${bounds[name] ?? 0} was known`)
  expect(above, advice).toEqual([])
}
