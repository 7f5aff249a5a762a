import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

const THREAD = join(import.meta.dirname, '../../packages/fs-state/dist/heartbeat-thread.js')
const INSTANCE = '0123456789abcdef'

/** Starts the thread of a heartbeat, with the word of its gate. */
function startThread(gate: Int32Array): { readonly worker: Worker; readonly directory: string } {
  const root = temporaryDirectory()
  const directory = join(root, '.mpibatch/i', INSTANCE)
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'hb'), '')
  const workerData = {
    root,
    instance: INSTANCE,
    words: new BigInt64Array(new SharedArrayBuffer(64)),
    timings: { heartbeatMs: 50, leaseMs: 20_000, visibilityMs: 0, deadAfterMs: 30_000 },
    sync: false,
    gate,
  }
  const worker = new Worker(THREAD, { workerData })
  onTestFinished(async () => void (await worker.terminate()))
  return { worker, directory }
}

describe('the thread of a heartbeat', () => {
  it('touches nothing, and ends, if it was no longer needed before it began', async () => {
    const { worker, directory } = startThread(Int32Array.of(2))
    await once(worker, 'exit')
    expect(readFileSync(join(directory, 'hb'), 'utf8')).toBe('')
    expect(existsSync(join(directory, 'lease.lock'))).toBe(false)
  })

  it('says that it has begun, so that its end is waited for', async () => {
    const gate = new Int32Array(new SharedArrayBuffer(4))
    const { directory } = startThread(gate)
    await waitUntil(() => readFileSync(join(directory, 'hb'), 'utf8') !== '', { describe: () => 'no beat' })
    expect(Atomics.load(gate, 0)).toBe(1)
  })
})
