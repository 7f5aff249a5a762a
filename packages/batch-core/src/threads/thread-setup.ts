import type { MessagePort } from 'node:worker_threads'
import type { AnnouncedBatch, RuntimeOptions } from '../runtime.ts'
import type { PackedTasks } from './packed-tasks.ts'

/** What the starting thread hands to the thread of one rank. */
export interface ThreadSetup {
  readonly rank: number
  readonly size: number
  /** One port per rank, to that rank's thread; `undefined` at this rank's own place. */
  readonly ports: readonly (MessagePort | undefined)[]
  /** To the thread that started the job; carries {@link ThreadReport}s. */
  readonly control: MessagePort
  /** The script's address, a `file:` URL. */
  readonly script: string
  readonly options: RuntimeOptions
  readonly stop: Int32Array
}

/** What a rank tells the thread that started the job. */
export interface ThreadReport {
  readonly batch: Omit<AnnouncedBatch, 'tasks'> & { readonly tasks: PackedTasks }
}
