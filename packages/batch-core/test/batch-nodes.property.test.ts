import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Communicator,
  MemoryStateStore,
  type Outlook,
  openBatchWith,
  STATE_CODE,
  type TaskCounts,
} from '../src/index.ts'
import { providerOf } from './batches.ts'
import { createNodes } from './nodes.ts'

const SEED = 20_261_122
const RUNS = 150
const { OPEN, DONE, FAILED, ELSEWHERE, INVALID } = STATE_CODE

/** What a task does each time that it runs. */
type Behaviour = 'done' | 'fail' | 'fail once' | 'release'

interface Plan {
  readonly nodeOf: readonly number[]
  readonly tasks: readonly { readonly code: number; readonly behaviour: Behaviour }[]
  readonly retries: number
  readonly retryFailed: boolean
  readonly stealRunning: boolean
  /** Number of tasks after whose start a stop is asked for. */
  readonly stopAfter: number
}

const plans: fc.Arbitrary<Plan> = fc.record({
  nodeOf: fc.array(fc.nat(2), { minLength: 2, maxLength: 5 }).filter((nodes) => new Set(nodes).size > 1),
  tasks: fc.array(
    fc.record({
      code: fc.constantFrom(OPEN, OPEN, OPEN, DONE, FAILED, ELSEWHERE, ELSEWHERE, INVALID),
      behaviour: fc.constantFrom<Behaviour>('done', 'done', 'fail', 'fail once', 'release'),
    }),
    { minLength: 1, maxLength: 25 },
  ),
  retries: fc.nat(1),
  retryFailed: fc.boolean(),
  stealRunning: fc.boolean(),
  stopAfter: fc.oneof({ weight: 3, arbitrary: fc.constant(1000) }, { weight: 1, arbitrary: fc.nat(20) }),
})

/** A store whose tasks that run elsewhere come free at the first look. */
class PreparedStore extends MemoryStateStore {
  override reconsider(taskIndices: readonly number[]): Promise<Outlook> {
    return Promise.resolve({ ready: taskIndices, owners: [] })
  }
}

/** What one schedule showed. */
interface Seen {
  /** Starts of each task. */
  readonly starts: number[]
  readonly running: Set<number>
  readonly counts: TaskCounts[]
}

async function runRank(
  communicator: Communicator,
  {
    plan,
    seen,
    stop,
    pause,
  }: { plan: Plan; seen: Seen; stop: AbortController; pause: () => Promise<unknown> },
): Promise<void> {
  const codes = Uint8Array.from(plan.tasks, ({ code }) => code)
  const provider = providerOf((count) => new PreparedStore(count, codes))
  const { retries, retryFailed, stealRunning } = plan
  const batch = await openBatchWith(
    {
      ...{ root: 'any', communicator, tasks: plan.tasks.map((_, index) => `t${index}`), signal: stop.signal },
      ...{ retries, retryDelayMs: 0, retryFailed, stealRunning },
    },
    () => provider,
  )
  for await (const task of batch) {
    expect(seen.running.has(task.index)).toBe(false)
    seen.running.add(task.index)
    const started = (seen.starts[task.index] ?? 0) + 1
    seen.starts[task.index] = started
    if (seen.starts.reduce((sum, one) => sum + one, 0) > plan.stopAfter) stop.abort()
    await pause()
    seen.running.delete(task.index)
    const { behaviour } = plan.tasks[task.index] ?? { behaviour: 'done' }
    if (behaviour === 'release') await task.release()
    else if (behaviour === 'fail' || (behaviour === 'fail once' && started === 1)) await task.fail()
    else await task.done()
  }
  seen.counts.push(await batch.close())
}

/** How often each task starts, and what it becomes, when nothing stops the batch. */
function expected({ tasks, retries, retryFailed }: Plan): { starts: number[]; counts: TaskCounts } {
  const counts = { OPEN: 0, RUNNING: 0, DONE: 0, FAILED: 0, INVALID: 0, ELSEWHERE: 0 }
  const starts = tasks.map(({ code, behaviour }) => {
    const runs = code === OPEN || code === ELSEWHERE || (code === FAILED && retryFailed)
    if (!runs) {
      counts[code === DONE ? 'DONE' : code === FAILED ? 'FAILED' : 'INVALID'] += 1
      return 0
    }
    const fails = behaviour === 'fail' || (behaviour === 'fail once' && retries === 0)
    counts[behaviour === 'release' ? 'OPEN' : fails ? 'FAILED' : 'DONE'] += 1
    return behaviour === 'done' || behaviour === 'release' ? 1 : 1 + retries
  })
  return { starts, counts }
}

describe(`a batch across nodes under any schedule (seed ${SEED})`, () => {
  it('starts every task as often as it should, never twice at once, and counts right on every rank', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plans, async (scheduler, plan) => {
        const seen: Seen = { starts: plan.tasks.map(() => 0), running: new Set(), counts: [] }
        const stop = new AbortController()
        const ranks = createNodes(
          plan.nodeOf,
          async ({ rank, operation }, run) => {
            await scheduler.schedule(Promise.resolve(), `rank ${rank}: ${operation}`)
            return run()
          },
          { schedule: (deliver, label) => void scheduler.schedule(Promise.resolve(), label).then(deliver) },
        )
        const pause = (): Promise<unknown> => scheduler.schedule(Promise.resolve(), 'work')
        await scheduler.waitFor(Promise.all(ranks.map((rank) => runRank(rank, { plan, seen, stop, pause }))))
        const { starts, counts } = expected(plan)
        for (const count of seen.counts) {
          expect(count).toEqual(seen.counts[0])
          expect(Object.values(count).reduce((sum, one) => sum + one, 0)).toBe(plan.tasks.length)
          expect(count.RUNNING).toBe(0)
        }
        if (stop.signal.aborted) {
          for (const [index, started] of seen.starts.entries())
            expect(started).toBeLessThanOrEqual(starts[index] ?? 0)
        } else {
          expect(seen.starts).toEqual(starts)
          expect(seen.counts[0]).toEqual(counts)
        }
      }),
      { seed: SEED, numRuns: RUNS },
    )
  })
})
