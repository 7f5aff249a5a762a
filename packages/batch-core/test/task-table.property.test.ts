import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { STATE_CODE, type TableState, TaskTable } from '../src/index.ts'

const SEED = 20_260_717

type Step =
  | { readonly kind: 'claim'; readonly owner: number }
  | { readonly kind: 'end'; readonly state: 'DONE' | 'FAILED' | 'ELSEWHERE' }
  | { readonly kind: 'reopen' }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('claim' as const), owner: fc.nat(3) }),
  fc.record({
    kind: fc.constant('end' as const),
    state: fc.constantFrom('DONE' as const, 'FAILED' as const, 'ELSEWHERE' as const),
  }),
  fc.record({ kind: fc.constant('reopen' as const) }),
)

describe('the task table against a model', () => {
  it(`agrees with a plain list of states and a plain queue (seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 80 }), (taskCount, steps) => {
        const table = TaskTable.create(new Int32Array(TaskTable.wordCount(taskCount)), taskCount)
        table.fill({ codes: new Uint8Array(taskCount).fill(STATE_CODE.OPEN) })
        const states: TableState[] = Array.from({ length: taskCount }, () => 'OPEN')
        const queue = states.map((_, index) => index)
        const running: { index: number; owner: number }[] = []
        for (const { kind, ...rest } of steps) {
          if (kind === 'claim') {
            const { owner } = rest as { owner: number }
            const expected = queue.shift()
            expect(table.claimNext(owner)).toBe(expected)
            if (expected === undefined) continue
            states[expected] = 'RUNNING'
            running.push({ index: expected, owner })
          } else if (kind === 'end') {
            const ended = running.shift()
            if (ended === undefined) continue
            const { state } = rest as { state: TableState }
            table.set(ended.index, { owner: ended.owner, state })
            states[ended.index] = state
          } else {
            const index = states.indexOf('ELSEWHERE')
            if (index < 0) continue
            table.reopen(index)
            table.enqueue(index)
            states[index] = 'OPEN'
            queue.push(index)
          }
        }
        for (const [index, state] of states.entries()) expect(table.stateOf(index)).toBe(state)
        for (const state of new Set(states)) {
          expect(table.count(state)).toBe(states.filter((other) => other === state).length)
        }
      }),
      { seed: SEED, numRuns: 300 },
    )
  })
})
