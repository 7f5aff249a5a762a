/**
 * Random schedules of the real store: several instances over one simulated file system, held at every step, crashed at
 * any call, declared dead at any moment though they live on. {@link Referee} says what must not happen; at the end a
 * last instance, for which nothing goes wrong, must bring every task to DONE.
 *
 * A schedule is made from a seed and a number alone, so that one that failed can be played again.
 */
import type { Fault, FileCall } from '../faulty-file-layer.ts'
import { RandomSource } from './random-source.ts'
import { Referee } from './referee.ts'
import { ScheduleActor } from './schedule-actor.ts'
import { drawSettings, type ScheduleSettings, STEPS_MAX } from './schedule-settings.ts'
import { type ClientOptions, SimulatedClient } from './simulated-client.ts'
import { SimulatedFileSystem } from './simulated-file-system.ts'
import { nameOf, openInstance, prepareRoot, ROOT } from './simulated-instance.ts'
import type { SimulatedNode } from './simulated-nodes.ts'

const TASKS = ['a', 'b'] as const
const INSTANCES = 3
const INSTANCES_MAX = 7
/** Steps within which everybody who is left to go on must have ended. */
const LAST_STEPS_MAX = 4000
/** Calls among which one is picked at which an instance crashes. */
const CRASH_CALLS_MAX = 150
const TYPES = { btrfs: 0x9123683e, ext4: 0xef53 } as const
const UNCLEAR = ['EIO', 'ESTALE', 'EINTR', 'ETIMEDOUT'] as const
const REFUSALS = ['ENOSPC', 'EDQUOT'] as const

/** What is taken away from the store or from the world, to see that the referee notices. */
export interface Ablation {
  readonly settings?: Partial<ScheduleSettings>
  /** Calls of an instance that only seem to work. */
  readonly ignored?: (call: FileCall, instance: string) => boolean
  readonly forgetsSlots?: boolean
}

/** How a schedule went. */
export interface ScheduleOutcome {
  /** What was wrong, as a sentence; `undefined` if nothing was. */
  readonly fault: string | undefined
  readonly settings: ScheduleSettings
  /** Calls of the file layer, of all instances. */
  readonly callCount: number
}

interface Held {
  readonly actor: string
  readonly what: string
  readonly release: () => void
}

/** Plays one schedule. `trace` hears of each step. */
export async function playSchedule(
  seed: number,
  number: number,
  options: { readonly ablation?: Ablation; readonly trace?: (line: string) => void } = {},
): Promise<ScheduleOutcome> {
  return await new Schedule(new RandomSource(seed, number), options).play()
}

class Schedule {
  readonly #random: RandomSource
  readonly #settings: ScheduleSettings
  readonly #ablation: Ablation
  readonly #trace: ((line: string) => void) | undefined
  readonly #referee: Referee
  readonly #system: SimulatedFileSystem
  readonly #actors: ScheduleActor[] = []
  /** Actors whose work has not ended. */
  readonly #busy = new Set<ScheduleActor>()
  #held: Held[] = []
  #step = 0

  constructor(
    random: RandomSource,
    { ablation = {}, trace }: { readonly ablation?: Ablation; readonly trace?: (line: string) => void },
  ) {
    this.#random = random
    this.#ablation = ablation
    this.#trace = trace
    this.#settings = { ...drawSettings(random), ...ablation.settings }
    const { reruns, metadata, sight, linksMax } = this.#settings
    this.#referee = new Referee(TASKS, { reruns })
    this.#system = new SimulatedFileSystem({
      metadata,
      linksMax,
      keepsPast: sight !== 'exact',
      onChange: (change) => this.#referee.seeChange(change),
    })
  }

  async play(): Promise<ScheduleOutcome> {
    const settings = this.#settings
    this.#trace?.(JSON.stringify(settings))
    prepareRoot(this.#system, settings.isPrepared ? TASKS : [])
    for (let count = 0; count < INSTANCES; count += 1) this.#start()
    for (; this.#step < STEPS_MAX && this.#busy.size > 0 && this.#goesOn(); this.#step += 1) {
      await sharedTurn()
      if (!this.#interfere()) this.#releaseOne()
    }
    await this.#end()
    if (this.#referee.fault !== undefined) for (const line of describeTasks(this.#system)) this.#trace?.(line)
    const callCount = this.#actors.reduce((sum, { client }) => sum + client.callCount, 0)
    return { fault: this.#referee.fault, settings, callCount }
  }

  /** Everybody is dead now, as far as anybody knows; the last instance works while the others still may. */
  async #end(): Promise<void> {
    for (const { name } of this.#actors) this.#referee.declareDead(name)
    // Who may run ended tasks again must have gone before.
    if (this.#settings.reruns || this.#random.chance(50)) await this.#runOut()
    if (!this.#goesOn()) return
    const last = this.#open({}, false)
    this.#run(last, last.finish())
    await this.#runOut()
    for (const name of TASKS) {
      const text = this.#system.textOf(`${ROOT}/${name}/state`)
      // Where nothing was synced, a power cut may have left the word without its newline, which says as much.
      if (text?.trimEnd() === 'DONE') continue
      // Of an unfinished result it may have left nothing but the event: it stands, and those who ask are told so.
      const isOverwritten = text?.trimEnd() === 'OPEN' && this.#referee.isEndedByEvent(name)
      const { metadata, powerCutStep } = this.#settings
      if (isOverwritten && metadata === 'unordered' && powerCutStep !== undefined) continue
      this.#referee.blame(`Task ${name}: in the end state is ${JSON.stringify(text)}.`)
    }
  }

  async #runOut(): Promise<void> {
    for (let step = 0; this.#busy.size > 0 && this.#goesOn(); step += 1) {
      await sharedTurn()
      this.#releaseOne()
      if (step > LAST_STEPS_MAX) this.#referee.blame('It never ends.')
    }
  }

  #goesOn(): boolean {
    return this.#referee.fault === undefined
  }

  #start(): void {
    const { sight, replayPercent, faultPercent, crashPercent } = this.#settings
    const random = this.#random
    const lagMaxMs = random.pick([30, 300, 3000])
    // A client that forgets its own changes does so in the directories that others change too.
    const shows = (path: string): boolean => sight === 'nfs' || path.includes('/state')
    const actor = this.#open(
      {
        ...(sight === 'exact'
          ? {}
          : {
              lagMs: (path) => (shows(path) && random.chance(50) ? random.below(lagMaxMs) : 0),
              negativeMs: () => (random.chance(30) ? random.below(lagMaxMs) : 0),
              closeToOpen: sight === 'nfs',
              remembers: sight === 'nfs',
            }),
        ...(replayPercent > 0 ? { isReplayed: replays(random, replayPercent) } : {}),
        ...(faultPercent > 0 ? { fault: (call) => this.#fault(call, faultPercent) } : {}),
        ...(crashPercent > 0 && random.chance(30) ? { callsMax: 1 + random.below(CRASH_CALLS_MAX) } : {}),
      },
      faultPercent > 0,
    )
    this.#run(actor, actor.work())
  }

  #open(client: Partial<ClientOptions>, faulty: boolean): ScheduleActor {
    const { durability, claimSync, crashLimit, medium, sight, reruns } = this.#settings
    const number = this.#actors.length
    const name = `i${number + 1}`
    const hold = (what: string): Promise<void> => this.#hold(name, what)
    const { ignored, forgetsSlots = false } = this.#ablation
    const files = new SimulatedClient(this.#system, {
      ...client,
      ...(ignored === undefined ? {} : { ignored: (call) => ignored(call, nameOf(number)) }),
      type: claimSync ? TYPES.btrfs : TYPES.ext4,
      refused: medium === 'link' ? [] : medium === 'symlink' ? ['link'] : ['link', 'symlink'],
      syncing: () => hold('sync'),
      pausing: () => hold('pause'),
    })
    const instance = openInstance({
      system: this.#system,
      files,
      ...{ number, tasks: TASKS, durability, claimSync, crashLimit },
      isDead: async (owner) => {
        await hold('judge')
        return this.#referee.isDead(owner)
      },
      isAbandoned: (path) =>
        this.#referee.isAbandoned(
          path,
          this.#actors.flatMap((other) => (other === actor ? [] : [other.name])),
        ),
      onStep: ({ operation, step, kind, slot }) => hold(`${operation} ${kind} ${slot} ${step}`),
    })
    const actor = new ScheduleActor({
      ...{ client: files, instance, tasks: TASKS, random: this.#random, referee: this.#referee },
      ...{ hold, reruns, faulty, forgetful: sight === 'weak' || (medium === 'file' && faulty), forgetsSlots },
    })
    this.#actors.push(actor)
    return actor
  }

  #run(actor: ScheduleActor, work: Promise<void>): void {
    this.#busy.add(actor)
    work.catch((error: unknown) => this.#referee.blame(String(error))).finally(() => this.#busy.delete(actor))
  }

  #hold(actor: string, what: string): Promise<void> {
    return new Promise((release) => this.#held.push({ actor, what, release }))
  }

  /** Lets one of those go on who wait. */
  #releaseOne(): void {
    if (this.#busy.size === 0) return
    if (this.#held.length === 0) {
      this.#referee.blame('Somebody waits for nothing.')
      return
    }
    const index = this.#random.below(this.#held.length)
    const [next] = this.#held.splice(index, 1)
    this.#trace?.(`${this.#step} ${next?.actor} ${next?.what}`)
    next?.release()
  }

  /** Lets something happen to instances from outside, now and then. @returns Whether it did. */
  #interfere(): boolean {
    const { crashPercent, falseDeathPercent, powerCutStep } = this.#settings
    if (this.#step === powerCutStep) {
      this.#cutPower()
      return true
    }
    const living = this.#actors.filter(({ name }) => !this.#referee.isDead(name))
    const [crashed] = living.filter(({ client }) => client.crashed)
    const victim = crashed ?? (living.length > 0 ? this.#random.pick(living) : undefined)
    if (victim === undefined) return false
    const crashes = this.#random.chance(crashPercent)
    if (crashed === undefined && !crashes && !this.#random.chance(falseDeathPercent)) return false
    if (crashes) victim.client.crash()
    this.#bury(victim)
    return true
  }

  /** An instance counts as dead from now on, whether it is or not, and another one comes. */
  #bury(actor: ScheduleActor): void {
    this.#trace?.(`${this.#step} ${actor.name} ${actor.client.crashed ? 'has crashed' : 'is declared dead'}`)
    this.#referee.declareDead(actor.name)
    if (actor.client.crashed) this.#remove(actor)
    if (this.#actors.length < INSTANCES_MAX) this.#start()
  }

  #remove(actor: ScheduleActor): void {
    const index = this.#actors.indexOf(actor)
    this.#held = this.#held.filter((held) => held.actor !== `i${index + 1}`)
    this.#busy.delete(actor)
  }

  #cutPower(): void {
    this.#trace?.(`${this.#step} the power is cut`)
    for (const actor of this.#actors) {
      actor.client.crash()
      this.#referee.declareDead(actor.name)
      this.#remove(actor)
    }
    const { durability } = this.#settings
    this.#system.powerCut(this.#random)
    this.#referee.seeRestart(this.#system, ROOT, { reports: durability !== 'none' })
    for (let count = 0; count < INSTANCES; count += 1) this.#start()
  }

  #fault({ name }: FileCall, percent: number): Fault {
    if (!this.#random.chance(percent)) return undefined
    if (name === 'peek') return undefined
    if (this.#random.chance(30)) return { code: this.#random.pick(REFUSALS) }
    return { code: this.#random.pick(UNCLEAR), after: this.#random.chance(50) }
  }
}

/** What the server has of each task, a line per name. */
function* describeTasks(system: SimulatedFileSystem): Generator<string> {
  for (const task of TASKS) {
    const directory = system.find(`${ROOT}/${task}`)
    if (directory?.kind !== 'directory') yield `${task}: none`
    else for (const [name, node] of directory.entries) yield `${task}/${name}: ${describe(node)}`
  }
}

function describe(node: SimulatedNode): string {
  if (node.kind === 'file') return JSON.stringify(node.text)
  return node.kind === 'symlink' ? `-> ${node.target}` : 'a directory'
}

/** Requests that are sent twice, each once at most. */
function replays(random: RandomSource, percent: number): (call: string, path: string) => boolean {
  const replayed = new Set<string>()
  return (call, path) => {
    const key = `${call} ${path}`
    if (replayed.has(key) || !random.chance(percent)) return false
    replayed.add(key)
    return true
  }
}

let nextTurn: Promise<void> | undefined

/** Resolves when everything that could go on has. Schedules that are played at the same time share the turns. */
function sharedTurn(): Promise<void> {
  nextTurn ??= new Promise((resolve) => {
    setImmediate(() => {
      nextTurn = undefined
      resolve()
    })
  })
  return nextTurn
}
