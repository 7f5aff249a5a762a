/** Instances with real heartbeats, in processes of their own: what keeps them alive, and what makes them stop. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, renameSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

const FIXTURE = join(import.meta.dirname, 'fixtures', 'liveness-actor.mjs')
/** Short, but a machine under load must be able to keep them. */
const LIVENESS = { heartbeatMs: 100, leaseMs: 1500, visibilityMs: 0, deadAfterMs: 2000 }

type Line = Readonly<Record<string, unknown>>

/** An instance in a process of its own that takes orders. */
interface Living {
  readonly child: ChildProcess
  readonly instance: string
  /** Directory of the instance. */
  readonly directory: string
  /** Gives an order, and resolves with what came of it. */
  order(...words: readonly unknown[]): Promise<Line>
  /** Resolves when the lease has become so. */
  lease(state: string): Promise<void>
}

async function start(root: string, options: object = {}): Promise<Living> {
  const setup = JSON.stringify({ root, liveness: LIVENESS, ...options })
  const child = spawn(process.execPath, [FIXTURE, setup], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const changes: string[] = []
  const answers: Line[] = []
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Line
    if (Object.keys(line).join() === 'lease' && !asked) changes.push(String(line.lease))
    else answers.push(line)
    asked = false
  })
  let asked = false
  const next = async (): Promise<Line> => {
    await waitUntil(() => answers.length > 0 || child.exitCode !== null, {
      describe: () => 'no answer',
      timeoutMs: 15_000,
    })
    return answers.shift() ?? {}
  }
  const { instance } = await next()
  return {
    child,
    instance: String(instance),
    directory: join(root, '.mpibatch', 'i', String(instance)),
    order: (...words) => {
      asked = words[0] === 'lease'
      child.stdin.write(`${JSON.stringify(words)}\n`)
      return next()
    },
    lease: async (state) => {
      await waitUntil(() => changes.at(-1) === state, {
        describe: () => `lease ${changes.join(' ')}`,
        timeoutMs: 15_000,
      })
    },
  }
}

const beats = ({ directory }: Living): number => Number(readFileSync(join(directory, 'hb'), 'utf8'))
const life = ({ directory }: Living): string =>
  readdirSync(directory)
    .filter((name) => name.startsWith('life.'))
    .sort()
    .map((name) => readFileSync(join(directory, name), 'utf8').trim())
    .join(' ')
const freshRoot = (): string => join(temporaryDirectory(), 'root')

/** Lets an observer look until a task that ran elsewhere is free. */
async function verdict(observer: Living, taskIndex: number): Promise<void> {
  const end = performance.now() + 15_000
  for (;;) {
    const { ready } = await observer.order('reconsider', taskIndex)
    if ((ready as readonly number[]).length > 0) return
    if (performance.now() > end) throw new Error('There was no verdict.')
    // It looks by itself in between, once per heartbeat.
    await pause(LIVENESS.heartbeatMs)
  }
}

async function beatsOn(living: Living, count: number): Promise<void> {
  const from = beats(living)
  await waitUntil(() => beats(living) >= from + count, { describe: () => `${beats(living) - from} beats` })
}

/** Puts something in the place of `hb` to which no beat can be written: it hangs as in a dead file system. */
function hangHeartbeat({ directory }: Living): () => void {
  const [hb, kept, fifo] = ['hb', 'hb.kept', 'hb.fifo'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  execFileSync('mkfifo', [fifo])
  renameSync(hb, kept)
  renameSync(fifo, hb)
  return () => {
    // A reader lets the beat that hangs go on, into an error.
    renameSync(hb, fifo)
    renameSync(kept, hb)
    execFileSync('timeout', ['10', 'dd', `if=${fifo}`, 'count=1', 'status=none'])
  }
}

/** What an instance writes whose lease ran out, and that won it back; on a busy machine that may happen once more. */
const AGAIN = /^ALIVE( ALIVE)+$/

describe('an instance goes on beating', () => {
  it('while its main loop is blocked for longer than its lease', async () => {
    const living = await start(freshRoot())
    await beatsOn(living, 1)
    const before = beats(living)
    await living.order('block', 2 * LIVENESS.leaseMs)
    expect(beats(living) - before).toBeGreaterThan(10)
    expect(await living.order('lease')).toEqual({ lease: 'valid' })
    expect(life(living)).toBe('ALIVE')
  })

  it('while four calls that hang fill the pool of threads', async () => {
    const root = freshRoot()
    const living = await start(root)
    await beatsOn(living, 1)
    const fifos = [1, 2, 3, 4].map((number) => join(root, '.mpibatch', `fifo.${number}`))
    execFileSync('mkfifo', fifos)
    await living.order('fill', ...fifos)
    await beatsOn(living, 20)
    expect(await living.order('lease')).toEqual({ lease: 'valid' })
    expect(life(living)).toBe('ALIVE')
  })
})

describe('an instance whose heartbeat hangs', () => {
  it('is in doubt by its own clock, starts nothing, may end what it has, and goes on when it can', async () => {
    const root = freshRoot()
    const living = await start(root, { tasks: ['a', 'b'] })
    await living.order('claim', 0)
    const release = hangHeartbeat(living)
    await living.lease('suspect')
    expect(await living.order('DONE', 0)).toEqual({ slot: 2 })
    const claiming = living.order('claim', 1)
    release()
    await living.lease('valid')
    expect(await claiming).toMatchObject({ kind: 'claimed', slot: 1 })
    expect(life(living)).toMatch(AGAIN)
    await beatsOn(living, 3)
  })
})

it('an instance whose lock was taken away asks its life log, and takes it again', async () => {
  const living = await start(freshRoot())
  const lock = join(living.directory, 'lease.lock')
  // The lock is seen before whoever makes it knows that it is its own; by the next beat it does.
  const beats = (): number => Number.parseInt(readFileSync(join(living.directory, 'hb'), 'utf8'), 10)
  await waitUntil(() => existsSync(lock) && beats() >= 2, { describe: () => `no lock, or ${beats()} beats` })
  rmdirSync(lock)
  await waitUntil(() => AGAIN.test(life(living)), { describe: () => life(living), timeoutMs: 15_000 })
  await waitUntil(() => existsSync(lock), { describe: () => 'no new lock' })
  expect(await living.order('lease')).toEqual({ lease: 'valid' })
})

it('an instance that is frozen for long finds itself dead when it wakes; one that is not watched does not', async () => {
  const root = freshRoot()
  const [watched, unwatched] = [await start(root), await start(root, { tasks: ['b'] })]
  await watched.order('claim', 0)
  await unwatched.order('claim', 0)
  const other = await start(root)
  for (const { child } of [watched, unwatched]) child.kill('SIGSTOP')
  await verdict(other, 0)
  expect(life(watched)).toMatch(/^(ALIVE )+DEAD$/)
  expect(existsSync(join(watched.directory, 'lease.lock'))).toBe(false)
  expect(await other.order('claim', 0)).toMatchObject({ kind: 'claimed', slot: 2 })
  for (const { child } of [watched, unwatched]) child.kill('SIGCONT')
  await watched.lease('lost')
  expect(await watched.order('DONE', 0)).toEqual({ error: 'ERR_MPIBATCH_FENCED' })
  expect(await watched.order('claim', 0)).toEqual({ error: 'ERR_MPIBATCH_LEASE_LOST' })
  await waitUntil(() => AGAIN.test(life(unwatched)), { describe: () => life(unwatched) })
  expect(await unwatched.order('DONE', 0)).toEqual({ slot: 2 })
})

it('an instance that was closed leaves nobody waiting, and no lock', async () => {
  const root = freshRoot()
  const living = await start(root)
  await living.order('claim', 0)
  await waitUntil(() => existsSync(join(living.directory, 'lease.lock')), { describe: () => 'no lock' })
  await living.order('close')
  expect(life(living)).toMatch(/^(ALIVE )+EXITED$/)
  expect(existsSync(join(living.directory, 'lease.lock'))).toBe(false)
  const next = await start(root)
  expect(await next.order('claim', 0)).toMatchObject({ kind: 'claimed', slot: 2 })
})

/** Processes that are started and killed at one time. */
const WAVE = 4

/** Starts an instance that dies at a call of its start; if it has got beyond that, it is killed then. */
async function startFragile(root: string, killAtCall: number): Promise<'opened' | 'killed'> {
  const setup = JSON.stringify({ root, liveness: LIVENESS, killAtCall })
  const child = spawn(process.execPath, [FIXTURE, setup], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit').then(() => 'killed' as const)
  const opened = once(child.stdout, 'data').then(() => 'opened' as const)
  const fate = await Promise.race([opened, ended])
  child.kill('SIGKILL')
  await ended
  return fate
}

it('an instance that is killed at any call of its start leaves nothing in the way of the next', async () => {
  let killed = 0
  let root = ''
  for (let wave = 0; killed === wave * WAVE; wave += 1) {
    root = freshRoot()
    const calls = Array.from({ length: WAVE }, (_, number) => wave * WAVE + number)
    const fates = await Promise.all(calls.map((killAtCall) => startFragile(root, killAtCall)))
    killed += fates.filter((fate) => fate === 'killed').length
  }
  expect(killed).toBeGreaterThan(20)
  const next = await start(root)
  expect(await next.order('claim', 0)).toMatchObject({ kind: 'claimed', slot: 1 })
  expect(await next.order('DONE', 0)).toEqual({ slot: 2 })
}, 180_000)
