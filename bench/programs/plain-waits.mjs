/** Waits of 10 ms on threads, without a batch: what Node's timers make of it. Arguments: number of waits, threads. Prints the seconds. */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

const WAIT_MS = 10

async function lead(waits, threads) {
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL(import.meta.url), { workerData: Math.ceil(waits / threads) }),
  )
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  const start = performance.now()
  for (const worker of workers) worker.postMessage('start')
  const ended = await Promise.all(workers.map((worker) => once(worker, 'message')))
  const seconds = (performance.now() - start) / 1000
  const done = ended.reduce((sum, [count]) => sum + count, 0)
  process.stdout.write(`${JSON.stringify({ seconds, done })}\n`)
}

async function wait(count) {
  parentPort.postMessage('ready')
  await once(parentPort, 'message')
  for (let index = 0; index < count; index += 1) await pause(WAIT_MS)
  parentPort.postMessage(count)
}

if (isMainThread) await lead(Number(process.argv[2]), Number(process.argv[3]))
else await wait(workerData)
