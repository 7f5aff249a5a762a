import type { InstanceReport } from '@mpibatch/fs-state'
import type { Span } from './efficiency.ts'

/** Hosts are mostly numbered. */
const HOST_ORDER = new Intl.Collator('en', { numeric: true })

/** What attempts have shown of a worker: a slot or worker group of one instance. */
export interface SeenWorker {
  readonly instance: string
  /** Number within its job, from 0. */
  readonly worker: number
  readonly host: string
  /** End of its last attempt, milliseconds since 1970. */
  endedAtMs: number
  /** It has an attempt without an end: whatever it did after that is not on record. */
  isTaken: boolean
}

/** A worker in its place. */
export interface PlacedWorker {
  readonly label: string
  /** Position in the jobs. */
  readonly job: number
}

/** A job: instances that worked together, of which at least one has recorded an attempt. */
export interface PlacedJob extends Span {
  readonly command: string
  readonly hosts: readonly string[]
  readonly isAlive: boolean
}

/** Workers and jobs in the order in which the report shows them. */
export interface WorkerOrder {
  readonly jobs: readonly PlacedJob[]
  readonly workers: readonly PlacedWorker[]
  /** For each worker as it was first seen, its position in `workers`. */
  readonly positions: Uint32Array
}

/** Finds the workers of a root by their attempts. */
export class WorkerTable {
  readonly #indexOf = new Map<string, number>()
  readonly #workers: SeenWorker[] = []
  /** First start on record, by instance. */
  readonly #firstStarts = new Map<string, number>()

  /** Position of a worker, in the order in which they are first seen. */
  note(
    seen: { readonly instance: string; readonly worker: number; readonly host: string },
    span: Span,
  ): number {
    const { instance, worker, host } = seen
    const key = `${instance} ${worker}`
    let index = this.#indexOf.get(key)
    if (index === undefined) {
      index = this.#workers.push({ instance, worker, host, endedAtMs: span.toMs, isTaken: false }) - 1
      this.#indexOf.set(key, index)
    }
    const known = this.#workers[index]
    if (known !== undefined && known.endedAtMs < span.toMs) known.endedAtMs = span.toMs
    const first = this.#firstStarts.get(instance)
    if (first === undefined || span.fromMs < first) this.#firstStarts.set(instance, span.fromMs)
    return index
  }

  /** When an instance last recorded anything; `undefined` if it never did. */
  lastSignMs(instance: string): number | undefined {
    const ends = this.#workers.filter((one) => one.instance === instance).map(({ endedAtMs }) => endedAtMs)
    return ends.length === 0 ? undefined : Math.max(...ends)
  }

  /**
   * As {@link note}, for an attempt without an end. Its worker is not on record, but was free when the attempt started,
   * and did nothing after it: of several, the one that had become free last is taken; a new one if there is none.
   */
  noteUnfinished(seen: { readonly instance: string; readonly host: string }, span: Span): number {
    let best: SeenWorker | undefined
    let largest = -1
    for (const one of this.#workers) {
      if (one.instance !== seen.instance) continue
      largest = Math.max(largest, one.worker)
      if (one.isTaken || one.endedAtMs > span.fromMs) continue
      if (best === undefined || one.endedAtMs > best.endedAtMs) best = one
    }
    const index = this.note({ ...seen, worker: best?.worker ?? largest + 1 }, span)
    const taken = this.#workers[index]
    if (taken !== undefined) taken.isTaken = true
    return index
  }

  /** Puts workers into the order of jobs, hosts and numbers. */
  order(instances: readonly InstanceReport[]): WorkerOrder {
    const known = new Map(instances.map((one) => [one.instance, one]))
    const batchOf = (instance: string): string => known.get(instance)?.batch ?? instance
    const drafts = new Map<string, JobDraft>()
    for (const { instance, host, endedAtMs } of this.#workers) {
      const batch = batchOf(instance)
      const facts = known.get(instance)
      const draft = drafts.get(batch) ?? new JobDraft(known.get(batch)?.command ?? facts?.command ?? '')
      drafts.set(batch, draft)
      const firstMs = this.#firstStarts.get(instance) ?? endedAtMs
      draft.fromMs = Math.min(draft.fromMs, firstMs, facts?.startedAtMs ?? firstMs)
      draft.toMs = Math.max(draft.toMs, endedAtMs)
      draft.hosts.add(host)
      draft.isAlive ||= facts?.alive === true
    }
    const batches = [...drafts].sort(([, one], [, other]) => one.fromMs - other.fromMs)
    const jobOf = new Map(batches.map(([batch], job) => [batch, job]))
    const jobs = batches.map(([, draft]) => ({ ...draft, hosts: [...draft.hosts].sort(HOST_ORDER.compare) }))
    const hasHosts = jobs.some(({ hosts }) => hosts.length > 1)
    const sorted = this.#workers
      .map((one, seen) => ({ ...one, seen, job: jobOf.get(batchOf(one.instance)) ?? 0 }))
      .sort(
        (one, other) =>
          one.job - other.job ||
          HOST_ORDER.compare(one.host, other.host) ||
          one.worker - other.worker ||
          one.seen - other.seen,
      )
    const positions = new Uint32Array(sorted.length)
    for (const [position, { seen }] of sorted.entries()) positions[seen] = position
    const workers = sorted.map(({ job, host, worker }) => ({
      job,
      label: [jobs.length > 1 ? `job ${job + 1}` : '', hasHosts ? host : '', `worker ${worker}`]
        .filter((part) => part !== '')
        .join(' · '),
    }))
    return { jobs, workers, positions }
  }
}

class JobDraft {
  readonly command: string
  fromMs = Infinity
  toMs = -Infinity
  readonly hosts = new Set<string>()
  isAlive = false

  constructor(command: string) {
    this.command = command
  }
}
