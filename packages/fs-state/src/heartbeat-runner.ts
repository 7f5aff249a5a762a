import { Worker } from 'node:worker_threads'
import type { LivenessTimings } from './liveness-timings.ts'

/** What the thread of a heartbeat is given: plain data. */
export interface HeartbeatSetup {
  /** The task root, absolute. */
  readonly root: string
  readonly instance: string
  /** Of the lease that it renews. */
  readonly words: BigInt64Array
  readonly timings: LivenessTimings
  /** Whether each beat is synced. */
  readonly sync: boolean
}

/** What its thread is given. */
export interface HeartbeatThreadSetup extends HeartbeatSetup {
  /** One word, for {@link enterGate}. */
  readonly gate: Int32Array
}

/** Who has come first to the gate of a thread. */
const GATE = { open: 0, begun: 1, spared: 2 } as const

/**
 * Decides, once, whether a thread does its work. A thread takes longer to start than many a run lasts; one that has not
 * begun when it is no longer needed does not begin, and nobody waits for it.
 *
 * @returns Whether the caller has come first.
 */
export function enterGate(gate: Int32Array, as: 'begun' | 'spared'): boolean {
  return Atomics.compareExchange(gate, 0, GATE.open, GATE[as]) === GATE.open
}

/** A heartbeat that goes on until it is stopped. */
export interface RunningHeartbeat {
  /** Ends it; resolves when it has let go of its lock, or after a bounded time where the store does not answer. */
  stop(): Promise<void>
}

/** Starts the heartbeat of an instance that has just registered. */
export type StartHeartbeat = (setup: HeartbeatSetup) => RunningHeartbeat

/** A thread inside a call to a dead file system can't be ended; nobody waits for it longer. */
const STOP_MS_MAX = 1000

/** Starts a heartbeat in a thread of its own. It does not keep the process alive. */
export const startHeartbeatThread: StartHeartbeat = (setup) => {
  const gate = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const workerData: HeartbeatThreadSetup = { ...setup, gate }
  const worker = new Worker(new URL('./heartbeat-thread.js', import.meta.url), { workerData })
  const ended = new Promise<void>((resolve) => {
    // Without a thread the lease runs out, and with it the work here; that is told where the lease is looked at.
    worker.once('error', () => resolve())
    worker.once('exit', () => resolve())
  })
  worker.unref()
  return {
    stop: async () => {
      if (enterGate(gate, 'spared')) {
        void worker.terminate()
        return
      }
      worker.postMessage('stop')
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, STOP_MS_MAX)
      })
      await Promise.race([ended, late])
      clearTimeout(timer)
      void worker.terminate()
    },
  }
}
