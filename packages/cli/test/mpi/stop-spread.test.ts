import { createLoopback } from '@mpibatch/batch-core/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { waitUntil } from '../../../../test/support/wait-until.ts'
import { StopSpread } from '../../src/mpi/stop-spread.ts'
import { STAGES, StopControl } from '../../src/run/stop-control.ts'

function ranks(size: number) {
  return createLoopback(size).map((communicator) => {
    const said: string[] = []
    const stop = new StopControl((text) => void said.push(text))
    const spread = new StopSpread(communicator, stop)
    onTestFinished(() => spread.close())
    return { said, stop, stages: () => STAGES.filter((stage) => stop[stage].aborted) }
  })
}

describe('a stop', () => {
  it('of one rank reaches all, stage by stage, with its cause', async () => {
    const all = ranks(4)
    all[2]?.stop.requestDrain('SIGTERM')
    await waitUntil(() => all.every(({ stages }) => stages().length === 1))
    all[0]?.stop.requestKill('SIGTERM')
    await waitUntil(() => all.every(({ stages }) => stages().length === 3))
    expect(all.map(({ stop }) => stop.cause)).toEqual(new Array(4).fill('SIGTERM'))
    expect(all[0]?.said).toHaveLength(1)
  })

  it('of a rank that has lost its store lets the others finish what they run', async () => {
    const all = ranks(3)
    all[1]?.stop.requestKill('error')
    all[0]?.stop.requestInterrupt('halt')
    await waitUntil(() => all.every(({ stop }) => stop.interrupt.aborted))
    expect(all.map(({ stages }) => stages().length)).toEqual([2, 3, 2])
  })

  it('that came before the spreading began is spread as well', async () => {
    const [first, second] = createLoopback(2)
    const stop = new StopControl(() => undefined)
    stop.requestDrain('halt')
    const other = new StopControl(() => undefined)
    if (first === undefined || second === undefined) throw new Error('no ranks')
    const spreads = [new StopSpread(first, other), new StopSpread(second, stop)]
    onTestFinished(async () => void (await Promise.all(spreads.map((spread) => spread.close()))))
    await waitUntil(() => other.drain.aborted)
    expect(other.cause).toBe('halt')
    expect(other.interrupt.aborted).toBe(false)
  })
})

describe('a signal that a launcher sends to all ranks', () => {
  it('counts once, whether another rank told of it before or after it came', async () => {
    const stop = new StopControl(() => undefined)
    stop.listenToSignals()
    onTestFinished(() => stop.ignoreSignals())
    stop.hear('drain', 'SIGUSR1')
    process.emit('SIGUSR1')
    expect(stop.interrupt.aborted).toBe(false)
    process.emit('SIGUSR1')
    expect(stop.interrupt.aborted).toBe(true)
    stop.hear('interrupt', 'SIGUSR1')
    expect(stop.kill.aborted).toBe(false)
  })

  it('is the next stage where a halt was the one before', () => {
    const stop = new StopControl(() => undefined)
    stop.listenToSignals()
    onTestFinished(() => stop.ignoreSignals())
    stop.hear('drain', 'halt')
    process.emit('SIGUSR1')
    expect(stop.interrupt.aborted).toBe(true)
  })
})
