import type { OnAppendStep, StoreDurability } from '../../src/append.ts'
import type { FileLayer } from '../../src/file-layer.ts'
import { FsStateStore } from '../../src/fs-state-store.ts'
import type { OwnerJudge, Verdict } from '../../src/owners.ts'
import { StoreSession } from '../../src/store-session.ts'
import { plan } from '../store-harness.ts'
import type { SimulatedFileSystem } from './simulated-file-system.ts'

/** The task root of every simulation. */
export const ROOT = '/root'

/** Nobody measures time here: what is dead is told. */
const TIMINGS = { heartbeatMs: 1000, leaseMs: 10_000, visibilityMs: 0, deadAfterMs: 20_000 }

/** An instance of the real store over a simulated file system. */
export interface SimulatedInstance {
  readonly name: string
  readonly session: StoreSession
  readonly store: FsStateStore
}

/** What an instance is made of. */
export interface InstanceOptions {
  readonly system: SimulatedFileSystem
  readonly files: FileLayer
  /** From 0; makes its name. */
  readonly number: number
  readonly tasks: readonly string[]
  readonly isDead: (instance: string) => boolean | Promise<boolean>
  /** Whether nobody will ever finish this event, which can't be read. @defaultValue never */
  readonly isAbandoned?: (path: string) => boolean
  readonly durability?: StoreDurability
  readonly claimSync?: boolean
  readonly crashLimit?: number
  readonly onStep?: OnAppendStep | undefined
}

/** The name of the instance of a number. */
export function nameOf(number: number): string {
  return (number + 1).toString(16).padStart(16, '0')
}

/** Makes the directories of a root, durable; those of the tasks too if they are named. */
export function prepareRoot(system: SimulatedFileSystem, tasks: readonly string[] = []): void {
  for (const path of [ROOT, `${ROOT}/.mpibatch`, `${ROOT}/.mpibatch/i`])
    system.mkdir(system.place(path, 'mkdir'))
  for (const name of tasks) {
    system.mkdir(system.place(`${ROOT}/${name}`, 'mkdir'))
  }
  system.syncAll()
  // Long ago: no client is so late that it does not know them.
  system.nowMs += 1_000_000
}

/** Joins a root as an instance that has registered already: registration reads the real machine, and is left out. */
export function openInstance(options: InstanceOptions): SimulatedInstance {
  const { system, files, number, tasks, isDead, durability = 'terminal', claimSync = false } = options
  const { isAbandoned = () => false } = options
  const name = nameOf(number)
  const directory = `${ROOT}/.mpibatch/i/${name}`
  system.mkdir(system.place(directory, 'mkdir'))
  system.sync(system.place(directory, 'mkdir').directory)
  const session = new StoreSession({
    ticket: {
      ...{ root: ROOT, instance: name, durability, claimSync, timings: TIMINGS },
      crashLimit: options.crashLimit ?? 1000,
    },
    proc: 0,
    files,
    onStep: options.onStep,
    owners: judgeBy(name, isDead, isAbandoned),
  })
  return { name, session, store: new FsStateStore(session, plan(...tasks)) }
}

function judgeBy(
  self: string,
  isDead: InstanceOptions['isDead'],
  isAbandoned: (path: string) => boolean,
): OwnerJudge {
  const toVerdict = (dead: boolean): Verdict => ({ dead, alive: !dead, host: '' })
  const judge = async (instance: string): Promise<Verdict> =>
    toVerdict(instance !== self && (await isDead(instance)))
  return {
    judge,
    judgeOnce: () => judge,
    judgeUnreadable: (path) => toVerdict(isAbandoned(path)),
    buryAll: () => Promise.resolve(),
    close: () => undefined,
  }
}
