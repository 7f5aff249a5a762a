/**
 * Instances: each running batch has a directory, `.mpibatch/i/<instance>`, with what it says about itself
 * (`info.json`) and its life log, `life.1`, `life.2`, …: write-once entries ALIVE, EXITED or DEAD, of which the last
 * one stands. DEAD and EXITED are for ever.
 */
import { randomBytes } from 'node:crypto'
import { createSyncedFile, makeDirectory, publishFile, readSmallText, syncDirectory } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { createHeartbeatFile } from './heartbeat-file.ts'
import { codeOf } from './io-error.ts'
import type { SchedulerJob } from './job-states.ts'
import { isObject, parseObject } from './json-object.ts'
import type { LivenessTimings } from './liveness-timings.ts'
import { ownIdentity, type ProcessIdentity } from './process-identity.ts'
import {
  infoPath,
  instanceDirectory,
  instancesDirectory,
  lifePath,
  ownDirectory,
  stagedPath,
} from './store-paths.ts'

/** Bytes of `info.json` that are read. */
const INFO_SIZE_MAX = 16_384

/** How an instance's life log ends. */
export type Life = 'ALIVE' | 'EXITED' | 'DEAD'

/** What an instance says about itself. */
export interface InstanceInfo extends ProcessIdentity {
  readonly instance: string
  /** Wall-clock time, milliseconds since 1970. */
  readonly startedAtMs: number
  /** The job of a scheduler it belongs to. */
  readonly job?: SchedulerJob
  /** The times that it keeps, so that others can judge it by them. */
  readonly liveness?: LivenessTimings
  /** What it runs, for people. */
  readonly command?: string
  /** Name of the instance that opened the batch, which this one has joined as another process of the same job. */
  readonly batch?: string
  /** `gc` if it removes what nothing needs any more: nobody else may be at work then. */
  readonly role?: 'gc'
}

/** An instance as its files show it. */
export interface InstanceFiles {
  readonly instance: string
  /** `undefined` if it is missing or can't be understood. */
  readonly info: InstanceInfo | undefined
  /** `undefined` while it has not registered completely: it can't have claimed anything. */
  readonly life: Life | undefined
  /** Number of the entry that its life log has not got yet. */
  readonly nextLife: number
}

/** A new name for an instance: 64 random bits. */
export function createInstanceName(): string {
  return randomBytes(8).toString('hex')
}

/** Tells whether a name can be that of an instance. */
export function isInstanceName(name: string): boolean {
  return /^[0-9a-f]{16}$/.test(name)
}

/**
 * Registers this process as a new instance. Its directory is complete, and on the disk unless `sync` is off, before
 * it says ALIVE: an owner that nobody can look up would keep its tasks for ever.
 */
export async function registerInstance(
  files: FileLayer,
  root: string,
  options: {
    readonly command?: string | undefined
    readonly liveness: LivenessTimings
    readonly sync: boolean
    readonly batch?: string | undefined
    readonly role?: InstanceInfo['role']
  },
): Promise<InstanceInfo> {
  const { command, liveness, sync, batch, role } = options
  const job = jobOfThisProcess(process.env)
  const info: InstanceInfo = {
    instance: createInstanceName(),
    ...ownIdentity(),
    startedAtMs: Date.now(),
    liveness,
    ...(job === undefined ? {} : { job }),
    ...(command === undefined ? {} : { command }),
    ...(batch === undefined ? {} : { batch }),
    ...(role === undefined ? {} : { role }),
  }
  const directory = instanceDirectory(root, info.instance)
  makeDirectory(files, directory)
  const text = `${JSON.stringify({ format: 'mpibatch instance', version: 1, ...info })}\n`
  await createSyncedFile(files, infoPath(directory), { text, sync })
  await createHeartbeatFile(files, directory, sync)
  if (sync) {
    for (const parent of [instancesDirectory(root), ownDirectory(root), root])
      await syncDirectory(files, parent)
  }
  const staged = stagedPath(directory, 0, 0)
  await writeLife(files, root, { instance: info.instance, entry: 1, life: 'ALIVE', staged, sync })
  return info
}

/**
 * Adds an entry to an instance's life log.
 *
 * @returns Whether it was this call that added it; `false` if there was such an entry already.
 */
export async function writeLife(
  files: FileLayer,
  root: string,
  entry: {
    readonly instance: string
    readonly entry: number
    readonly life: Life
    /** Where the entry is built before it is shown. */
    readonly staged: string
    readonly sync: boolean
  },
): Promise<boolean> {
  const directory = instanceDirectory(root, entry.instance)
  const made = await publishFile(files, lifePath(directory, entry.entry), {
    staged: entry.staged,
    text: () => `${entry.life}\n`,
    sync: entry.sync,
  })
  if (entry.sync) await syncDirectory(files, directory)
  return made
}

/** Reads an instance's files. */
export function readInstance(files: FileLayer, root: string, instance: string): InstanceFiles {
  const directory = instanceDirectory(root, instance)
  let life: Life | undefined
  let nextLife = 1
  const last = lastLife(files, directory)
  for (; nextLife <= last || files.peek(lifePath(directory, nextLife)) !== undefined; nextLife += 1) {
    // Ended is for ever, and an entry that can't be read was not finished: what stood before goes on to stand.
    if (life === 'DEAD' || life === 'EXITED') continue
    life = parseLife(readSmallText(files, lifePath(directory, nextLife), 16)) ?? life
  }
  return { instance, info: readInfo(files, directory), life, nextLife }
}

/**
 * Number of the highest entry of a life log, from the names in its directory: on a network file system opening the
 * directory shows what has been made since, where a single name may be remembered as missing.
 */
function lastLife(files: FileLayer, directory: string): number {
  let last = 0
  try {
    for (const { name } of files.list(directory)) {
      const entry = /^life\.([1-9][0-9]{0,8})$/.exec(name)?.[1]
      if (entry !== undefined) last = Math.max(last, Number(entry))
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
  return last
}

/** Name of the job that an instance belongs to: that of the instance that opened its batch. */
export function batchOf(one: { readonly instance: string; readonly batch?: string | undefined }): string {
  return one.batch ?? one.instance
}

/** Tells whether an instance is over by its own life log. */
export function hasEndedLife(instance: InstanceFiles): boolean {
  return instance.life === 'DEAD' || instance.life === 'EXITED'
}

/** Names of all instances that have ever registered, in no order. */
export function listInstances(files: FileLayer, root: string): readonly string[] {
  const directory = instancesDirectory(root)
  if (files.peek(directory) !== 'directory') return []
  const names: string[] = []
  for (const { name, kind } of files.list(directory))
    if (kind === 'directory' && isInstanceName(name)) names.push(name)
  return names
}

function readInfo(files: FileLayer, directory: string): InstanceInfo | undefined {
  const text = readSmallText(files, infoPath(directory), INFO_SIZE_MAX)
  if (text === undefined) return undefined
  const value = parseObject(text)
  return value?.format === 'mpibatch instance' && value.version === 1 ? parseInstanceInfo(value) : undefined
}

/** Reads what an instance said about itself from plain data; `undefined` if something is missing. */
export function parseInstanceInfo(value: Readonly<Record<string, unknown>>): InstanceInfo | undefined {
  const { instance, host, bootId, pidNamespace, pid, startTime, startedAtMs, command, batch } = value
  if (typeof instance !== 'string' || typeof host !== 'string' || typeof bootId !== 'string') return undefined
  if (typeof pidNamespace !== 'string' || typeof startTime !== 'string') return undefined
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 1) return undefined
  if (typeof startedAtMs !== 'number') return undefined
  const job = toJob(value.job)
  const liveness = toTimings(value.liveness)
  return {
    ...{ instance, host, bootId, pidNamespace, pid, startTime, startedAtMs },
    ...(job === undefined ? {} : { job }),
    ...(liveness === undefined ? {} : { liveness }),
    ...(typeof command === 'string' ? { command } : {}),
    ...(typeof batch === 'string' && isInstanceName(batch) ? { batch } : {}),
    ...(value.role === 'gc' ? { role: value.role } : {}),
  }
}

function toJob(value: unknown): SchedulerJob | undefined {
  if (!isObject(value) || typeof value.jobId !== 'string') return undefined
  const { jobId, cluster, restartCount } = value
  return {
    jobId,
    ...(typeof cluster === 'string' ? { cluster } : {}),
    ...(typeof restartCount === 'number' ? { restartCount } : {}),
  }
}

function toTimings(value: unknown): LivenessTimings | undefined {
  if (!isObject(value)) return undefined
  const { heartbeatMs, leaseMs, visibilityMs, deadAfterMs } = value
  if (typeof heartbeatMs !== 'number' || typeof leaseMs !== 'number') return undefined
  if (typeof visibilityMs !== 'number' || typeof deadAfterMs !== 'number') return undefined
  return { heartbeatMs, leaseMs, visibilityMs, deadAfterMs }
}

/** What Slurm says in the environment about the job that this process belongs to. */
function jobOfThisProcess(environment: NodeJS.ProcessEnv): SchedulerJob | undefined {
  const { SLURM_JOB_ID: jobId, SLURM_CLUSTER_NAME: cluster, SLURM_RESTART_COUNT: restarts } = environment
  if (jobId === undefined || !/^[0-9]{1,18}$/.test(jobId)) return undefined
  // A shell of salloc has the number of a job, but does not end with it: only slurmd sets this one.
  if (environment.SLURMD_NODENAME === undefined) return undefined
  const restartCount = Number(restarts ?? 0)
  return {
    jobId,
    ...(cluster === undefined ? {} : { cluster }),
    ...(Number.isSafeInteger(restartCount) ? { restartCount } : {}),
  }
}

function parseLife(text: string | undefined): Life | undefined {
  const word = text?.trimEnd()
  return word === 'ALIVE' || word === 'EXITED' || word === 'DEAD' ? word : undefined
}
