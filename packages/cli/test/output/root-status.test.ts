import { describe, expect, it } from 'vitest'
import { type LivingInstance, type RootStatus, statusText } from '../../src/output/root-status.ts'

const started = '2026-11-21T12:00:00.000Z'

function statusOf(instances: readonly LivingInstance[]): RootStatus {
  return {
    ...{ root: 'out', tasks: 10, open: 4, running: 2, done: 4, failed: 0, invalid: 0 },
    ...{ ratePerSecond: 1, secondsLeft: 6, instances, runningTasks: [], lastFailures: [] },
  }
}

const instance = (name: string, host: string, batch = name): LivingInstance => ({
  ...{ instance: name, batch, host, pid: 7, started, command: 'run -- ./work' },
})

const instanceLines = (instances: readonly LivingInstance[]): string[] =>
  statusText(statusOf(instances)).split('\n').slice(2, -1)

describe('the instances in a status', () => {
  it('stand on a line each where they work alone', () => {
    expect(instanceLines([instance('a1', 'one'), instance('b2', 'two')])).toEqual([
      `instance a1 on one, process 7, since ${started}: run -- ./work`,
      `instance b2 on two, process 7, since ${started}: run -- ./work`,
    ])
  })

  it('stand on one line per job, with the number of ranks and the hosts', () => {
    const ranks = ['one', 'one', 'two'].map((host, rank) => instance(`a${rank}`, host, 'a0'))
    const other = ['three', 'three'].map((host, rank) => instance(`b${rank}`, host, 'b0'))
    expect(instanceLines([...ranks, ...other])).toEqual([
      `job a0: 3 ranks on 2 hosts, one, two, since ${started}: run -- ./work`,
      `job b0: 2 ranks on three, since ${started}: run -- ./work`,
    ])
  })

  it('name some hosts of a job that has many', () => {
    const ranks = Array.from({ length: 30 }, (_, rank) => instance(`a${rank}`, `n${rank >> 1}`, 'a0'))
    expect(instanceLines(ranks)[0]).toMatch(/^job a0: 30 ranks on 15 hosts, n0, .*, n9 and 5 more, since /)
  })
})
