import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** The program as it was built. */
export const PROGRAM: string = join(import.meta.dirname, '../../packages/cli/bin/mpibatch.mjs')
/** Deadline of a child; shorter than that of the tests, so that a hang says which child hung. */
const DEADLINE_MS = 60_000

/** How a program ended. */
export interface Ended {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A program that runs. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** What it has printed on standard output so far. */
  readonly stdout: () => string
  /** What it has printed on standard error so far. */
  readonly stderr: () => string
}

/** Where and with what a program runs. */
export interface ProgramOptions {
  readonly cwd: string
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  /** Leaves standard input open, for the test to end. @defaultValue false */
  readonly holdsInput?: boolean
}

/** Starts a Node program; it is killed when the test is over, if it still runs. */
export function startNode(argv: readonly string[], options: ProgramOptions): Running {
  return startChild(process.execPath, argv, options)
}

/** Starts any program; it is killed when the test is over, if it still runs. */
export function startChild(program: string, argv: readonly string[], options: ProgramOptions): Running {
  const child = spawn(program, argv, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const texts = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    texts.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    texts.stderr += text
  })
  child.stdin.on('error', () => undefined)
  if (options.holdsInput !== true) child.stdin.end(options.input ?? '')
  const deadline = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode, signal) => {
      clearTimeout(deadline)
      resolve({ exitCode, signal, ...texts })
    })
  })
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended.catch(() => undefined)
  })
  return { child, ended, stdout: () => texts.stdout, stderr: () => texts.stderr }
}

/** Starts `mpibatch` as it was built. */
export function startProgram(argv: readonly string[], options: ProgramOptions): Running {
  return startNode([PROGRAM, ...argv], options)
}

/** Runs `mpibatch` to its end. */
export function runProgram(argv: readonly string[], options: ProgramOptions): Promise<Ended> {
  return startProgram(argv, options).ended
}

/** States of all tasks of a root, by name, as their `state` files say; fails on a task without a whole word. */
export function readStates(root: string): Record<string, string> {
  const states: Record<string, string> = {}
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name === '.mpibatch') continue
    const text = readFileSync(join(root, entry.name, 'state'), 'utf8')
    if (!/^(OPEN|RUNNING|DONE|FAILED)\n$/.test(text)) {
      throw new Error(`state of ${entry.name} is ${JSON.stringify(text)}`)
    }
    states[entry.name] = text.trimEnd()
  }
  return states
}

/** Number of tasks by state. */
export function countStates(root: string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const state of Object.values(readStates(root))) counts[state] = (counts[state] ?? 0) + 1
  return counts
}
