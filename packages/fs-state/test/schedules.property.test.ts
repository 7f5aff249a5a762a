/**
 * Random schedules of the real code: several instances in one process, held up between the steps of their appends,
 * declared dead at any moment, and woken later. What the files then say is checked against what the calls returned.
 *
 * MPIBATCH_SCHEDULES sets the number of schedules, MPIBATCH_SEED their seed.
 */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { FencedError, type StateStore, type TerminalState } from '@mpibatch/batch-core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts'
import { createFsStateProvider } from '../src/fs-state-provider.ts'
import { noHeartbeat, plan, pretendDead, RECORD } from './store-harness.ts'

const TASKS = plan('a', 'b')
const INSTANCES = 3
const STEPS_MAX = 120

/** An instance that works through the tasks, one after the other, and stops at every step until it is let go. */
interface Actor {
  store: StateStore
  dead: boolean
  /** Lets it go on; `undefined` while it does not wait. */
  release: (() => void) | undefined
}

/** What all instances have been told so far. */
interface Facts {
  readonly reported: Map<number, { state: TerminalState; slot: number }[]>
  readonly claimed: Set<string>
  readonly errors: unknown[]
}

async function work(actor: Actor, facts: Facts, choices: () => number): Promise<void> {
  const lastSeen = [0, 0]
  for (let round = 0; round < 6; round += 1) {
    const taskIndex = choices() % TASKS.length
    const outcome = await actor.store.claim(taskIndex, {
      lastSeen: lastSeen[taskIndex] ?? 0,
      from: { retryFailed: true },
    })
    lastSeen[taskIndex] = outcome.slot
    if (outcome.kind === 'settled' && outcome.state === 'DONE') continue
    if (outcome.kind !== 'claimed') continue
    const { claim } = outcome
    const key = `${taskIndex} ${claim.slot}`
    if (facts.claimed.has(key)) throw new Error(`slot ${key} was claimed twice`)
    facts.claimed.add(key)
    // One that was declared dead in the middle of its claim may still begin, but not end: see the fencing.
    if (!actor.dead && facts.reported.get(taskIndex)?.some(({ state }) => state === 'DONE')) {
      throw new Error(`task ${taskIndex} was claimed after it had been reported DONE`)
    }
    const end = (['DONE', 'FAILED', 'OPEN'] as const)[choices() % 3] ?? 'DONE'
    try {
      if (end === 'OPEN') lastSeen[taskIndex] = await actor.store.release(claim)
      else {
        const slot = await actor.store.publish(claim, end, RECORD)
        lastSeen[taskIndex] = slot
        facts.reported.set(taskIndex, [...(facts.reported.get(taskIndex) ?? []), { state: end, slot }])
      }
    } catch (error) {
      if (!(error instanceof FencedError)) throw error
      lastSeen[taskIndex] = claim.slot + 1
    }
  }
}

function checkFiles(root: string, facts: Facts): void {
  for (const [index, { name }] of TASKS.entries()) {
    let text: string
    try {
      text = readFileSync(join(root, name, 'state'), 'utf8')
    } catch {
      continue
    }
    expect(text).toMatch(/^(OPEN|RUNNING|DONE|FAILED)\n$/)
    const done = facts.reported.get(index)?.some(({ state }) => state === 'DONE') ?? false
    if (done) expect(text, `${name} was reported DONE`).toBe('DONE\n')
  }
}

async function runSchedule(choices: readonly number[]): Promise<void> {
  const root = join(temporaryDirectory(), 'root')
  const facts: Facts = { reported: new Map(), claimed: new Set(), errors: [] }
  const actors: Actor[] = []
  let drawn = 0
  const draw = (): number => choices[drawn++ % choices.length] ?? 0
  let running = 0
  let free = false

  async function start(): Promise<void> {
    const actor: Partial<Actor> = { dead: false, release: undefined }
    const onStep = (): Promise<void> =>
      free
        ? Promise.resolve()
        : new Promise((resolve) => {
            actor.release = resolve
          })
    actor.store = await createFsStateProvider({
      root,
      durability: 'none',
      startHeartbeat: noHeartbeat,
      crashLimit: 1000,
      onStep,
    }).open(TASKS)
    actors.push(actor as Actor)
    running += 1
    work(actor as Actor, facts, draw)
      .catch((error: unknown) => facts.errors.push(error))
      .finally(() => {
        running -= 1
      })
  }

  for (let count = 0; count < INSTANCES; count += 1) await start()
  for (let step = 0; step < STEPS_MAX && running > 0; step += 1) {
    await turn()
    const choice = draw()
    const living = actors.filter(({ dead }) => !dead)
    const victim = living[choice % living.length]
    if (choice % 11 === 0 && victim !== undefined && actors.length < 6) {
      pretendDead(root, victim.store.instance)
      victim.dead = true
      await start()
    }
    const waiting = actors.filter(({ release }) => release !== undefined)
    const next = waiting[choice % waiting.length]
    const { release } = next ?? {}
    if (next !== undefined) next.release = undefined
    release?.()
    await turn()
    checkFiles(root, facts)
    expect(facts.errors).toEqual([])
  }
  free = true
  while (running > 0) {
    for (const actor of actors) actor.release?.()
    await turn()
  }
  checkFiles(root, facts)
  expect(facts.errors).toEqual([])
  for (const { store } of actors) await store.close()
  rmSync(root, { recursive: true })
}

const seed = Number(process.env.MPIBATCH_SEED ?? 5)
const numRuns = Number(process.env.MPIBATCH_SCHEDULES ?? 60)

it(`no schedule runs a task after it was DONE, claims a slot twice, or lets a late owner change state (seed ${seed})`, async () => {
  const schedule = fc.array(fc.nat({ max: 1_000_000 }), { minLength: 40, maxLength: 400 })
  await fc.assert(fc.asyncProperty(schedule, runSchedule), { seed, numRuns })
}, 3_600_000)
