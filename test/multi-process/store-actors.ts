/** Starts instances of a store in processes of their own, for the tests beside this file. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { LivenessOptions } from '@mpibatch/batch-core'
import { onTestFinished } from 'vitest'

const FIXTURE = join(import.meta.dirname, 'fixtures', 'store-actor.mjs')

/** What an actor is told; see the fixture. */
export interface Script {
  readonly root: string
  readonly tasks?: readonly string[]
  readonly durability?: 'none' | 'terminal' | 'full'
  readonly crashLimit?: number
  readonly liveness?: LivenessOptions
  readonly ticket?: unknown
  readonly stop?:
    | {
        readonly signal: 'SIGKILL' | 'SIGSTOP'
        readonly operation: 'append' | 'roll-forward'
        readonly step: string
        readonly kind: string
      }
    | { readonly signal: 'SIGKILL'; readonly call: number }
  readonly actions: readonly (readonly [what: string, taskIndex?: number, options?: object])[]
  readonly hold?: boolean
}

/** A line that an actor prints: how it opened, or what came of an action. */
export interface ActorLine {
  readonly instance?: string
  readonly ticket?: unknown
  readonly codes?: readonly number[]
  readonly faults?: readonly { message: string }[]
  readonly kind?: string
  readonly slot?: number
  readonly state?: string
  readonly claim?: { slot: number; attempt: number }
  readonly error?: string
  readonly pid?: number
  readonly won?: readonly string[]
  readonly calls?: number
}

/** An instance in a process of its own. */
export interface Actor {
  readonly child: ChildProcess
  /** Next line that it prints; `undefined` if it has ended. */
  next(): Promise<ActorLine | undefined>
  /** Resolves with what ended it: a signal, or an exit code. */
  readonly ended: Promise<NodeJS.Signals | number | null>
  /** Lets an actor that holds go. */
  letGo(): void
}

/** Starts an actor; it is killed when the test is over. */
export function startActor(script: Script): Actor {
  const child = spawn(process.execPath, [FIXTURE, JSON.stringify({ tasks: ['a'], ...script })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = once(child, 'exit').then(
    ([code, signal]) => (signal ?? code) as NodeJS.Signals | number | null,
  )
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    child,
    ended,
    next: async () => {
      const { value, done } = await lines.next()
      return done === true ? undefined : (JSON.parse(value) as ActorLine)
    },
    letGo: () => child.stdin.end(),
  }
}

/** Runs an actor to its end; gives all lines. */
export async function runActor(script: Script): Promise<ActorLine[]> {
  const actor = startActor(script)
  actor.letGo()
  const lines: ActorLine[] = []
  for (let line = await actor.next(); line !== undefined; line = await actor.next()) lines.push(line)
  const how = await actor.ended
  if (how !== 0) throw new Error(`An actor ended with ${how}.`)
  return lines
}

/** The text of a task's `state`. */
export function stateOf(root: string, name = 'a'): string {
  return readFileSync(join(root, name, 'state'), 'utf8')
}

/** State letter of a process as the system shows it; `undefined` once it is gone. */
export function processState(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2, text.lastIndexOf(')') + 3)
  } catch {
    return undefined
  }
}
