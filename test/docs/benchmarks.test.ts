/** The benchmarks run, find that the work was done, and print figures: on a few tasks, without the programs they compare with. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const BENCH = join(import.meta.dirname, '../../bench')
/** Rows that have nothing to measure without MPI. */
const MPI_ROWS = ['token-lock', 'busy-rank']
/** Of the processes, so that one that hangs says what it has printed. */
const TIMEOUT_MS = 120_000

interface Figure {
  readonly who: string
  readonly missing?: string
  readonly hasFailed?: boolean
  readonly median?: number
}

interface Row {
  readonly name: string
  readonly error?: string
  readonly figures: readonly Figure[]
}

function run(...argv: readonly string[]): {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
} {
  return spawnSync(process.execPath, [join(BENCH, argv[0] ?? ''), ...argv.slice(1)], {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  })
}

describe('the benchmarks', () => {
  it('measure every row that needs no other program', () => {
    const { status, stdout, stderr } = run('all.mjs', '--small', '--alone', '--json')
    // 1: a bound is not reached, as few tasks are not expected to.
    expect([0, 1], stderr).toContain(status)
    const { rows } = JSON.parse(stdout) as { readonly rows: readonly Row[] }
    expect(rows.length).toBeGreaterThan(MPI_ROWS.length)
    for (const { name, error, figures } of rows) {
      expect(error, name).toBeUndefined()
      expect(figures.filter(({ hasFailed }) => hasFailed)).toEqual([])
      const measured = figures.filter(({ missing }) => missing === undefined)
      if (!MPI_ROWS.includes(name)) expect(measured, name).not.toEqual([])
      for (const { median } of measured) expect(median, name).toBeGreaterThan(0)
    }
  })

  it('follow how times grow with the number of tasks', () => {
    const { status, stdout, stderr } = run('growth.mjs', '--up-to', '20', '--alone', '--json')
    expect(status, stderr).toBe(0)
    const { panels } = JSON.parse(stdout) as {
      readonly panels: readonly {
        readonly series: readonly { readonly isOurs: boolean; readonly points: readonly object[] }[]
      }[]
    }
    for (const { series } of panels) {
      for (const { isOurs, points } of series) if (isOurs) expect(points).toHaveLength(1)
    }
  })

  it('name the benchmarks that there are, when asked for another', () => {
    const { status, stderr } = run('all.mjs', 'nothing')
    expect(status).toBe(2)
    expect(stderr).toContain('There is no benchmark "nothing". There are:')
  })
})
