/**
 * Which owners of claims are dead. An owner is dead if its life log says so, for ever. Where the log says ALIVE, but
 * the process was on this machine and is gone, its commands (unless a reboot has ended them) are ended first and the log is completed with DEAD; only
 * then may its tasks be taken. An owner on another machine counts as alive, and so does one of which nothing is known.
 */
import type { FileLayer } from './file-layer.ts'
import { hasEndedLife, type InstanceFiles, listInstances, readInstance, writeLife } from './instance.ts'
import {
  isBeforeReboot,
  isGone,
  isSameMachine,
  ownIdentity,
  type ProcessIdentity,
} from './process-identity.ts'
import { instanceDirectory } from './store-paths.ts'
import { endSurvivors } from './survivors.ts'

/** What is known of an owner. */
export interface Verdict {
  readonly dead: boolean
  /** Why it counts as alive although it may be dead, for people. */
  readonly fault?: string
}

const DEAD: Verdict = { dead: true }
const ALIVE: Verdict = { dead: false }

/** What {@link Owners} needs. */
export interface OwnersOptions {
  readonly files: FileLayer
  readonly root: string
  /** The instance that asks; it counts as alive. */
  readonly instance: string
  readonly sync: boolean
  /** Whether the root is on a file system that this machine alone can have mounted. */
  readonly local: boolean
  /** A fresh name for something that is built before it is shown. */
  readonly stage: () => string
}

/** What a session asks about owners; a simulation answers by its own truth. */
export type OwnerJudge = Pick<Owners, 'judge' | 'judgeOnce' | 'buryAll'>

/** See the top of this file. */
export class Owners {
  readonly #options: OwnersOptions
  readonly #self: ProcessIdentity = ownIdentity()
  readonly #dead = new Set<string>()
  readonly #asking = new Map<string, Promise<Verdict>>()

  constructor(options: OwnersOptions) {
    this.#options = options
  }

  /** Tells whether an owner is dead; if it has just died on this machine, this buries it first. */
  async judge(instance: string): Promise<Verdict> {
    if (instance === this.#options.instance) return ALIVE
    if (this.#dead.has(instance)) return DEAD
    let asking = this.#asking.get(instance)
    if (asking === undefined) {
      asking = this.#ask(instance).finally(() => this.#asking.delete(instance))
      this.#asking.set(instance, asking)
    }
    const verdict = await asking
    if (verdict.dead) this.#dead.add(instance)
    return verdict
  }

  /** Judges like {@link Owners.judge}, but each owner only once, for a look at many tasks at one time. */
  judgeOnce(): (instance: string) => Promise<Verdict> {
    const verdicts = new Map<string, Promise<Verdict>>()
    return (instance) => {
      const verdict = verdicts.get(instance) ?? this.judge(instance)
      verdicts.set(instance, verdict)
      return verdict
    }
  }

  /** Judges every instance that has ever registered, so that the dead ones are buried. */
  async buryAll(): Promise<void> {
    for (const instance of listInstances(this.#options.files, this.#options.root)) await this.judge(instance)
  }

  async #ask(instance: string): Promise<Verdict> {
    const { files, root } = this.#options
    const found = readInstance(files, root, instance)
    if (hasEndedLife(found)) return DEAD
    if (found.info === undefined) {
      const directory = instanceDirectory(root, instance)
      return {
        dead: false,
        fault: `Nothing is known of the owner ${instance}: ${directory} is missing or damaged. Its tasks are left alone; if it does not run any more, take them with --steal-running.`,
      }
    }
    const { local } = this.#options
    if (local && isBeforeReboot(this.#self, found.info)) return await this.#declareDead(found)
    if (!isSameMachine(this.#self, found.info) || !isGone(found.info)) return ALIVE
    return await this.#bury(found)
  }

  async #bury(found: InstanceFiles): Promise<Verdict> {
    const { files, root } = this.#options
    const { instance } = found
    const survivors = await endSurvivors(files, root, instance)
    if (survivors.length > 0) {
      const list = survivors.map(({ pid, reason }) => `${pid} (${reason})`).join(', ')
      return {
        dead: false,
        fault: `The instance ${instance} is gone, but processes that it started could not be ended: ${list}. Its tasks are left alone until they are.`,
      }
    }
    return await this.#declareDead(found)
  }

  async #declareDead({ instance, nextLife }: InstanceFiles): Promise<Verdict> {
    const { files, root, sync, stage } = this.#options
    const made = await writeLife(files, root, {
      instance,
      entry: nextLife,
      life: 'DEAD',
      staged: stage(),
      sync,
    })
    // Somebody else may have written the entry first; what it says decides.
    return made || hasEndedLife(readInstance(files, root, instance)) ? DEAD : ALIVE
  }
}

/** Tells whether an instance lives, by looking only: nothing is ended, nothing written. `local` as in {@link OwnersOptions}. */
export function looksAlive(instance: InstanceFiles, self: ProcessIdentity, local: boolean): boolean {
  if (hasEndedLife(instance)) return false
  if (local && instance.info !== undefined && isBeforeReboot(self, instance.info)) return false
  return instance.info === undefined || !isSameMachine(self, instance.info) || !isGone(instance.info)
}
