import { describe, expect, it } from 'vitest'
import { createSoloCommunicator } from '../src/solo-communicator.ts'
import { StateColumn } from '../src/state-column.ts'

/** More turns of the queue of microtasks than a note on its way takes. */
const TURNS = 20

describe('the column of states', () => {
  it('shows every note, however shortly after the one before it comes', async () => {
    for (let turns = 0; turns < TURNS; turns += 1) {
      const column = await StateColumn.open(createSoloCommunicator(), { taskCount: 2, codes: undefined })
      column.note(0, 'RUNNING')
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
      column.note(1, 'DONE')
      await column.flush()
      expect({ turns, states: await column.readAll() }).toEqual({ turns, states: ['RUNNING', 'DONE'] })
      await column.close()
    }
  })

  it('shows the newest of several notes on a task', async () => {
    const column = await StateColumn.open(createSoloCommunicator(), { taskCount: 1, codes: undefined })
    for (const state of ['RUNNING', 'FAILED', 'RUNNING', 'DONE'] as const) column.note(0, state)
    await column.flush()
    expect(await column.read(0)).toBe('DONE')
    await column.close()
  })
})
