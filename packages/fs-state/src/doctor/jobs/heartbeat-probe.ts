/** The thread of {@link beatWhileBlocked}: rewrites a counter with synchronous calls, as an instance's heart does. */
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { PROBE_INTERVAL_MS } from './probe-interval.ts'

const { path } = workerData as { path: string }
let count = 0

writeFileSync(path, printed())
parentPort?.postMessage('ready')
setInterval(() => {
  count += 1
  const descriptor = openSync(path, 'r+')
  writeSync(descriptor, printed(), 0)
  closeSync(descriptor)
}, PROBE_INTERVAL_MS)

/** Always of the same width, so that a reader never sees digits of two numbers. */
function printed(): string {
  return String(count).padStart(8, '0')
}
