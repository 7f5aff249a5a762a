import { FencedError, ForeignWriterError, StateIoError, type StoreClaim } from '@mpibatch/batch-core'
import { reopenTask } from '../../src/task-reopening.ts'
import { RECORD } from '../store-harness.ts'
import type { RandomSource } from './random-source.ts'
import type { Referee } from './referee.ts'
import type { SimulatedClient } from './simulated-client.ts'
import type { SimulatedInstance } from './simulated-instance.ts'

/** Things that an instance does before it goes. */
const ROUNDS = 3

/** What an actor needs. */
export interface ActorOptions {
  readonly client: SimulatedClient
  readonly instance: SimulatedInstance
  readonly tasks: readonly string[]
  readonly random: RandomSource
  readonly referee: Referee
  /** Resolves when it may go on. */
  readonly hold: (what: string) => Promise<void>
  readonly reruns: boolean
  /** Errors of the file system are to be expected. */
  readonly faulty: boolean
  /** It can't always tell its own events and its own `state` from those of others. */
  readonly forgetful: boolean
  /** Gives 0 as the last slot seen, instead of what was seen. @defaultValue false */
  readonly forgetsSlots?: boolean
}

/** An instance that works on the tasks of a schedule, and tells the referee. */
export class ScheduleActor {
  readonly name: string
  readonly client: SimulatedClient
  readonly #options: ActorOptions
  readonly #lastSeen: number[]
  readonly #touched = new Set<number>()
  /** Tasks that it leaves alone after an error, as the table of a batch makes it do. */
  readonly #abandoned = new Set<number>()

  constructor(options: ActorOptions) {
    this.#options = options
    this.name = options.instance.name
    this.client = options.client
    this.#lastSeen = options.tasks.map(() => 0)
  }

  /** Does this and that with the tasks. */
  async work(): Promise<void> {
    const { random, tasks, instance } = this.#options
    await this.#guarded(undefined, async () => {
      if (random.chance(30)) await instance.store.load()
      for (let round = 0; round < ROUNDS; round += 1) await this.#turn(random.below(tasks.length))
    })
  }

  /** Runs every task until it is DONE, whatever it was. */
  async finish(): Promise<void> {
    const { tasks, instance, referee } = this.#options
    await this.#guarded(undefined, async () => {
      await instance.store.load()
      for (const [taskIndex, name] of tasks.entries()) {
        for (let round = 0; ; round += 1) {
          const outcome = await this.#claim(taskIndex, { retryFailed: true })
          if (outcome === 'DONE') break
          if (outcome !== undefined) await this.#end(outcome, 'DONE')
          if (round > 20) {
            referee.blame(`Task ${name}: nobody can bring it to its end.`)
            return
          }
        }
      }
    })
  }

  async #turn(taskIndex: number): Promise<void> {
    const { random, instance, tasks, referee, hold, reruns } = this.#options
    if (this.#abandoned.has(taskIndex)) return
    const what = random.below(20)
    if (what === 0) return void (await instance.store.readState(taskIndex))
    if (what === 1) return void (await instance.store.reconsider([taskIndex]))
    if (what === 2) return await this.#reopen(taskIndex, tasks[taskIndex] ?? '')
    await this.#guarded(taskIndex, async () => {
      const rerun = reruns && random.chance(20)
      const claim = await this.#claim(taskIndex, { retryFailed: true, rerun })
      if (claim === undefined || claim === 'DONE') return
      await hold('run')
      if (!referee.isDead(this.name) || random.chance(80))
        await this.#end(claim, random.pick(['DONE', 'DONE', 'FAILED', 'OPEN']))
    })
  }

  /** As its first thing with a task, as a command does. */
  async #reopen(taskIndex: number, name: string): Promise<void> {
    if (this.#touched.has(taskIndex)) return
    this.#touched.add(taskIndex)
    // Its slot is not told, so one that may not see it again must not claim the task: commands never do.
    if (this.#options.forgetful) this.#abandoned.add(taskIndex)
    await this.#guarded(taskIndex, () => reopenTask(this.#options.instance.session, name, { from: 'dead' }))
  }

  async #claim(
    taskIndex: number,
    from: { retryFailed: boolean; rerun?: boolean },
  ): Promise<StoreClaim | 'DONE' | undefined> {
    const { instance, referee, forgetsSlots = false } = this.#options
    const lastSeen = forgetsSlots ? 0 : (this.#lastSeen[taskIndex] ?? 0)
    this.#touched.add(taskIndex)
    const outcome = await instance.store.claim(taskIndex, { lastSeen, from })
    this.#saw(taskIndex, outcome.slot)
    if (outcome.kind === 'settled' && outcome.state === 'DONE') return 'DONE'
    if (outcome.kind !== 'claimed') return undefined
    referee.granted(this.name, taskIndex, outcome.slot)
    return outcome.claim
  }

  async #end(claim: StoreClaim, state: 'DONE' | 'FAILED' | 'OPEN'): Promise<void> {
    const { instance, referee } = this.#options
    const { taskIndex } = claim
    try {
      const slot =
        state === 'OPEN'
          ? await instance.store.release(claim)
          : await instance.store.publish(claim, state, RECORD)
      this.#saw(taskIndex, slot)
      referee.reported(this.name, taskIndex, state, slot)
    } catch (error) {
      if (error instanceof FencedError) this.#saw(taskIndex, claim.slot + 1)
      throw error
    } finally {
      if (!this.client.crashed) referee.ended(this.name, taskIndex)
    }
  }

  #saw(taskIndex: number, slot: number): void {
    this.#lastSeen[taskIndex] = Math.max(this.#lastSeen[taskIndex] ?? 0, slot)
  }

  /** Passes over the errors that may be; after one of the file system the task is left alone. */
  async #guarded(taskIndex: number | undefined, work: () => Promise<unknown>): Promise<void> {
    const { referee, faulty, forgetful } = this.#options
    try {
      await work()
    } catch (error) {
      if (this.client.crashed) return
      const isSuperseded = error instanceof FencedError || error instanceof ForeignWriterError
      if (isSuperseded && (referee.isDead(this.name) || forgetful)) return
      if (error instanceof StateIoError && faulty) {
        if (taskIndex !== undefined) this.#abandoned.add(taskIndex)
        return
      }
      referee.blame(
        `Instance ${this.name} failed: ${error instanceof Error ? (error.stack ?? error) : error}`,
      )
    }
  }
}
