/**
 * The processes with which the doctor works. Everything that may hang is done by them, so that the doctor itself can
 * always give up; those of the peer are started over ssh and spoken to through its pipes.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ConfigError, StateIoError, TimeoutError } from '@mpibatch/batch-core'
import type { JobReply, JobRequest } from './agent-message.ts'
import type { JobInput, JobName, JobResult } from './jobs/job-table.ts'

/** Longest wait for a process on the peer to answer for the first time, milliseconds. */
const PEER_START_MS_MAX = 30_000

/** Characters of a process's standard error that are kept. */
const SAID_LENGTH_MAX = 500

/** Longest wait for a process that was killed, milliseconds. */
const END_MS_MAX = 1000

const PROGRAM = fileURLToPath(new URL('./agent-process.js', import.meta.url))

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/** A process that does jobs for the doctor. */
export class Agent {
  /** Whom it stands for in what it writes; one word. */
  readonly name: string
  /** Whether it runs on the peer. */
  readonly remote: boolean
  readonly #child: ChildProcess
  readonly #send: (request: JobRequest) => void
  readonly #waiting = new Map<number, Waiting>()
  #count = 0
  #fault: Error | undefined
  #said = ''

  /** @internal Use {@link startLocalAgent} and {@link startPeerAgent}. */
  constructor(
    name: string,
    child: ChildProcess,
    options: { readonly remote: boolean; readonly send: (request: JobRequest) => void },
  ) {
    this.name = name
    this.remote = options.remote
    this.#child = child
    this.#send = options.send
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = `${this.#said}${text}`.slice(-SAID_LENGTH_MAX)
    })
    child.on('error', (error) => this.#fail(error.message))
    child.on('exit', (code, signal) => this.#fail(`ended by ${signal ?? `exit code ${code}`}`))
  }

  /**
   * Has a job done.
   *
   * @throws {@link TimeoutError} if it takes longer; the process is then of no more use.
   * @throws {@link StateIoError} if the job fails; `details.code` is the system's code.
   */
  async ask<N extends JobName>(job: N, input: JobInput<N>, timeoutMs: number): Promise<JobResult<N>> {
    this.#count += 1
    const id = this.#count
    if (this.#fault !== undefined) throw this.#fault
    let timer: NodeJS.Timeout | undefined
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      timer = setTimeout(
        () => reject(new TimeoutError(`No answer within ${Math.round(timeoutMs / 1000)} s: ${job}.`)),
        timeoutMs,
      )
      this.#send({ id, job, input })
    })
    try {
      return (await answered) as JobResult<N>
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
    }
  }

  /** The end of what it has printed on standard error. */
  get said(): string {
    return this.#said.trim()
  }

  /** Takes an answer. @internal */
  receive({ id, result, error }: JobReply): void {
    const waiting = this.#waiting.get(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new StateIoError(error.message, { details: { code: error.code } }))
  }

  /** Ends the process, whatever it does; resolves when it is gone, or after a second if it can't be ended. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined)
      return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    // A process that hangs in a call on a file system that is gone can't be waited for, not even at our own end.
    const isGone = await Promise.race([
      gone.then(() => true),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), END_MS_MAX).unref()),
    ])
    if (isGone) return
    if (this.#child.connected) this.#child.disconnect()
    for (const stream of this.#child.stdio) stream?.destroy()
    this.#child.unref()
  }

  #fail(reason: string): void {
    const what = `A process of the doctor ${this.remote ? 'on the peer ' : ''}${reason}.`
    const error = new StateIoError(`${what} ${this.said}`.trim(), { details: { code: '' } })
    this.#fault ??= error
    for (const { reject } of this.#waiting.values()) reject(error)
  }
}

/** Starts a process on this machine. */
export function startLocalAgent(name: string): Agent {
  // One that hangs must not hold anything open that whoever started the doctor waits for.
  const child = fork(PROGRAM, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  const agent = new Agent(name, child, {
    remote: false,
    // If the channel is closed, the process has ended, and its end says so to those that wait.
    send: (request) => void child.send(request, () => undefined),
  })
  child.on('message', (reply) => agent.receive(reply as JobReply))
  return agent
}

/** Where and how to start a process on the peer. */
export interface PeerOptions {
  readonly host: string
  /** The program that is called as `ssh` is: `PROGRAM HOST COMMAND`. @defaultValue `ssh` */
  readonly program?: string
}

/** Makes sure that a text names a host, and is neither an option nor a command. @throws {@link ConfigError} */
export function checkPeerName(host: string): void {
  if (/^[A-Za-z0-9_.:@%[\]][A-Za-z0-9_.:@%[\]-]*$/.test(host)) return
  throw new ConfigError(`The peer ${JSON.stringify(host)} is no name of a host.`)
}

/**
 * Starts a process on another machine; the same Node and the same installation must be there under the same paths.
 *
 * @throws {@link StateIoError} if it can't be started.
 */
export async function startPeerAgent(name: string, { host, program }: PeerOptions): Promise<Agent> {
  const options = program === undefined ? ['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10'] : []
  const command = [process.execPath, PROGRAM].map(quoted).join(' ')
  const child = spawn(program ?? 'ssh', [...options, host, command], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => undefined)
  const agent = new Agent(name, child, {
    remote: true,
    send: (request) => void child.stdin.write(`${JSON.stringify(request)}\n`),
  })
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const reply = parseReply(line)
      if (reply?.id === 0) resolve()
      else if (reply !== undefined) agent.receive(reply)
    })
  })
  const fault = await Promise.race([ready, endOf(child), timeOut(PEER_START_MS_MAX)])
  if (fault === undefined) return agent
  await agent.end()
  throw new StateIoError(`${fault}${agent.said === '' ? '' : `: ${agent.said}`}`, { details: { host } })
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code, signal) => resolve(`it ended with ${signal ?? code}`))
  })
}

function timeOut(delayMs: number): Promise<string> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(`no answer within ${delayMs / 1000} s`), delayMs).unref()
  })
}

/** What a shell prints by itself when it starts is passed over. */
function parseReply(line: string): JobReply | undefined {
  try {
    const value = JSON.parse(line) as JobReply | null
    return typeof value?.id === 'number' ? value : undefined
  } catch {
    return undefined
  }
}

/** For the shell of the peer. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
