import { describe, expect, it } from 'vitest'
import { bytesOf, wordsOf } from '../../page/columns.ts'
import { TimelineBars } from '../../page/timeline-bars.ts'
import { AttemptColumns } from '../../src/report/attempt-columns.ts'
import type { Ending, TimelineData } from '../../src/report/report-data.ts'
import { timelineData } from '../../src/report/timeline-data.ts'

const ENDINGS: readonly Ending[] = [
  { kind: 'done', text: 'done' },
  { kind: 'failed', text: 'exit 3' },
]

function packed(
  attempts: readonly {
    startMs: number
    durationMs: number
    worker?: number
    task?: number
    failed?: boolean
  }[],
  shownMax?: number,
): TimelineData {
  const columns = new AttemptColumns()
  for (const { startMs, durationMs, worker = 0, task = 0, failed = false } of attempts)
    columns.push({ startMs, durationMs, workerIndex: worker, taskIndex: task, endingIndex: failed ? 1 : 0 })
  return timelineData({
    columns,
    workers: [0, 1].map((worker) => ({ label: `worker ${worker}`, job: 0 })),
    endings: ENDINGS,
    nameOf: (task) => `t${task}`,
    ...(shownMax === undefined ? {} : { shownMax }),
  })
}

/** What is filled when 5 seconds are drawn on 500 pixels. */
function drawn(data: TimelineData): unknown[] {
  const rectangles: unknown[] = []
  const canvas = {
    ...{ fillStyle: '', globalAlpha: 1 },
    fillRect(left: number, top: number, width: number, height: number): void {
      rectangles.push({ colour: this.fillStyle, alpha: this.globalAlpha, left, width, top, height })
    },
  }
  const place = { fromMs: 0, toMs: 5000, left: 10, width: 500, top: 0, height: 40 }
  new TimelineBars(data).draw(canvas, place, (kind) => kind)
  return rectangles
}

describe('the timeline of a report', () => {
  it('gives the page each attempt as it was, by worker and start', () => {
    const startMs = 1_795_284_868_501
    const data = packed([
      { startMs: startMs + 500, durationMs: 30.5, worker: 1, task: 7, failed: true },
      { startMs: startMs + 200, durationMs: 10, worker: 0, task: 2 },
      { startMs, durationMs: 100, worker: 0, task: 7 },
    ])
    const bars = new TimelineBars(data)
    expect([...wordsOf(data.offsets)]).toEqual([0, 2, 3])
    expect(data.names).toEqual(['t7', 't2'])
    expect([0, 1, 2].map((index) => bars.attempt(index).startMs - startMs)).toEqual([0, 200, 500])
    expect(bars.attempt(2)).toMatchObject({
      name: 't7',
      worker: 'worker 1',
      kind: 'failed',
      ending: 'exit 3',
    })
    expect(bars.attempt(2).durationMs).toBeCloseTo(30.5)
    expect(data).toMatchObject({ fromMs: startMs, toMs: startMs + 530.5, shownCount: 3, totalCount: 3 })
  })

  it('finds what runs between two moments, and names failures first', () => {
    const bars = new TimelineBars(
      packed(
        [0, 1, 2, 3].map((second) => ({ startMs: second * 1000, durationMs: 900, failed: second === 1 })),
      ),
    )
    expect(bars.find(0, 950, 990)).toEqual([])
    expect(bars.find(0, 500, 2500).at(-1)).toBe(1)
    expect(bars.find(0, 500, 2500).toSorted()).toEqual([0, 1, 2])
    expect(bars.find(1, 0, 5000)).toEqual([])
  })

  it('keeps times of a year apart', () => {
    const yearMs = 365 * 86_400_000
    const data = packed([
      { startMs: 0, durationMs: 1000 },
      { startMs: yearMs, durationMs: 1000 },
    ])
    const bars = new TimelineBars(data)
    expect(Math.abs(bars.attempt(1).startMs - yearMs)).toBeLessThan(20)
  })

  it('leaves out attempts evenly where there are too many, but failures last', () => {
    const attempts = Array.from({ length: 10_000 }, (_, index) => ({
      ...{ startMs: index, durationMs: 1, task: index, failed: index % 100 === 5 },
    }))
    const data = packed(attempts, 1300)
    expect(data).toMatchObject({ shownCount: 1300, totalCount: 10_000 })
    expect(bytesOf(data.endingIndexes).filter((ending) => ending === 1)).toHaveLength(100)
    const starts = [...wordsOf(data.starts)]
    const gaps = starts.slice(1).map((start, at) => (start - (starts[at] ?? 0)) * data.unitMs)
    expect(Math.max(...gaps)).toBeLessThan(30)
  })

  it('draws what is narrower than a pixel as one, and few failures over it', () => {
    const data = packed(
      Array.from({ length: 5000 }, (_, at) => ({ startMs: at, durationMs: 0.5, failed: at === 2600 })),
    )
    expect(drawn(data)).toEqual([
      { colour: 'done', alpha: 0.5, left: 10, width: 500, top: 0, height: 17 },
      { colour: 'failed', alpha: 1, left: 270, width: 2, top: 0, height: 17 },
    ])
  })

  it('draws many failures as high as their part is, so that those that went well are still seen', () => {
    const data = packed(
      Array.from({ length: 5000 }, (_, at) => ({ startMs: at, durationMs: 1, failed: at % 10 > 4 })),
    )
    expect(drawn(data)).toEqual([
      { colour: 'done', alpha: 1, left: 10, width: 500, top: 0, height: 8 },
      { colour: 'failed', alpha: 1, left: 10, width: 500, top: 8, height: 9 },
    ])
  })

  it('has room for no attempts at all', () => {
    expect(packed([])).toMatchObject({ shownCount: 0, totalCount: 0, names: [] })
  })
})
