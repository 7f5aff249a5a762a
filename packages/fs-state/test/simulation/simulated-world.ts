import type { StateStore } from '@mpibatch/batch-core'
import type { StoreDurability } from '../../src/append.ts'
import { RECORD } from '../store-harness.ts'
import { RandomSource } from './random-source.ts'
import { Referee } from './referee.ts'
import { type ClientOptions, SimulatedClient } from './simulated-client.ts'
import { SimulatedFileSystem } from './simulated-file-system.ts'
import { openInstance, prepareRoot, ROOT } from './simulated-instance.ts'

/** What a {@link SimulatedWorld} is like. */
export interface WorldOptions {
  readonly durability?: StoreDurability
  /** With `unordered`, claims are synced, as on such file systems. @defaultValue `ordered` */
  readonly metadata?: 'ordered' | 'unordered'
  /** How events are made. @defaultValue `link` */
  readonly medium?: EventMedium
  /** Whether the task has a directory already, with nothing in it. @defaultValue false */
  readonly isPrepared?: boolean
}

/** How events are made: by links, or by what is left where those are refused. */
export type EventMedium = keyof typeof REFUSED

const REFUSED = { link: [], symlink: ['link'], file: ['link', 'symlink'] } as const

/** An instance, and the machine that it runs on. */
export interface Inhabitant {
  readonly name: string
  readonly store: StateStore
  readonly client: SimulatedClient
}

/** One task, `a`, and instances that run it one after the other under a referee's eyes. */
export class SimulatedWorld {
  readonly system: SimulatedFileSystem
  readonly referee: Referee = new Referee(['a'], { reruns: false })
  readonly #options: WorldOptions
  readonly #inhabitants: Inhabitant[] = []

  constructor(options: WorldOptions = {}) {
    this.#options = options
    this.system = new SimulatedFileSystem({
      metadata: options.metadata ?? 'ordered',
      keepsPast: true,
      onChange: (change) => this.referee.seeChange(change),
    })
    prepareRoot(this.system, options.isPrepared === true ? ['a'] : [])
  }

  /** Text of the task's `state`, at the server. */
  get state(): string | undefined {
    return this.system.textOf(`${ROOT}/a/state`)
  }

  /** Starts an instance on a machine of its own. */
  open(client: ClientOptions = {}): Inhabitant {
    const { durability = 'terminal', metadata, medium = 'link' } = this.#options
    const files = new SimulatedClient(this.system, { refused: REFUSED[medium], ...client })
    const { name, store } = openInstance({
      ...{ system: this.system, files, number: this.#inhabitants.length, tasks: ['a'], durability },
      claimSync: metadata === 'unordered',
      isDead: (instance) => this.referee.isDead(instance),
      isAbandoned: (path) =>
        this.referee.isAbandoned(
          path,
          this.#inhabitants.flatMap((one) => (one.name === name ? [] : [one.name])),
        ),
    })
    const inhabitant = { name, store, client: files }
    this.#inhabitants.push(inhabitant)
    return inhabitant
  }

  /** Claims the task and ends it as DONE. @returns Whether DONE was reported; it may also have been so before. */
  async run({ name, store, client }: Inhabitant): Promise<boolean> {
    const outcome = await store.claim(0, { lastSeen: 0, from: { retryFailed: true } })
    if (outcome.kind === 'settled') return outcome.state === 'DONE'
    if (outcome.kind !== 'claimed') return false
    this.referee.granted(name, 0, outcome.slot)
    try {
      const slot = await store.publish(outcome.claim, 'DONE', RECORD)
      this.referee.reported(name, 0, 'DONE', slot)
      return true
    } finally {
      if (!client.crashed) this.referee.ended(name, 0)
    }
  }

  /** As {@link SimulatedWorld.run}; whatever is thrown counts as not reported. */
  async tryRun(inhabitant: Inhabitant): Promise<boolean> {
    return await this.run(inhabitant).catch(() => false)
  }

  /** Everybody dies, and the power fails. @param seed - Chooses what is lost. */
  cutPower(seed: number): void {
    for (const { name, client } of this.#inhabitants) {
      client.crash()
      this.referee.declareDead(name)
    }
    this.system.powerCut(new RandomSource(seed))
    this.referee.seeRestart(this.system, ROOT, { reports: this.#options.durability !== 'none' })
  }

  /** Everybody counts as dead, and a new instance, for which nothing goes wrong, runs the task if it is not DONE. */
  async finish(): Promise<boolean> {
    for (const { name } of this.#inhabitants) this.referee.declareDead(name)
    return await this.run(this.open())
  }
}

/** Number of calls that one life of a task takes, from its claim to its DONE. */
export async function countCalls(options: WorldOptions): Promise<number> {
  const world = new SimulatedWorld(options)
  const inhabitant = world.open()
  await world.run(inhabitant)
  return inhabitant.client.callCount
}
