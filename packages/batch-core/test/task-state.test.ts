import { describe, expect, it } from 'vitest'
import {
  isClaimable,
  isLegalTransition,
  isStoredState,
  STATE_CODE,
  STORED_STATES,
  TABLE_STATES,
} from '../src/index.ts'

describe('task states', () => {
  it('have the code of their place in the list', () => {
    for (const [code, state] of TABLE_STATES.entries()) expect(STATE_CODE[state]).toBe(code)
  })

  it('change only along the documented transitions', () => {
    const legal = STORED_STATES.flatMap((from) =>
      STORED_STATES.filter((to) => isLegalTransition(from, to)).map((to) => `${from} ${to}`),
    )
    expect(legal).toEqual([
      'OPEN RUNNING',
      'RUNNING OPEN',
      'RUNNING RUNNING',
      'RUNNING DONE',
      'RUNNING FAILED',
      'DONE OPEN',
      'FAILED OPEN',
      'FAILED RUNNING',
    ])
  })

  it('are claimable when open, and otherwise only on request', () => {
    expect(TABLE_STATES.filter((state) => isClaimable(state))).toEqual(['OPEN'])
    expect(TABLE_STATES.filter((state) => isClaimable(state, { retryFailed: true }))).toEqual([
      'OPEN',
      'FAILED',
    ])
    expect(TABLE_STATES.filter((state) => isClaimable(state, { rerun: true }))).toEqual(['OPEN', 'DONE'])
    expect(TABLE_STATES.filter((state) => isClaimable(state, { stealRunning: true }))).toEqual([
      'OPEN',
      'ELSEWHERE',
    ])
  })

  it('are stored as one of four words', () => {
    expect(
      ['OPEN', 'RUNNING', 'DONE', 'FAILED', 'INVALID', 'ELSEWHERE', 'done', ''].filter(isStoredState),
    ).toEqual(['OPEN', 'RUNNING', 'DONE', 'FAILED'])
  })
})
