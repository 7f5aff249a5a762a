/** Whoever follows the feed, however seldom and however often interrupted, ends up with what the feed has. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CODE_NAMES, LiveTasks } from '../../page/live-tasks.ts'
import { LIVE_CODE, type LiveCode, LiveFeed } from '../../src/serve/live-feed.ts'

const SEED = 20_261_121
const never = new AbortController().signal

/** What happens, in turn. Tasks are chosen by a number that is cut to the list. */
type Step =
  | { readonly kind: 'begin'; readonly count: number }
  | { readonly kind: 'set'; readonly task: number; readonly code: number }
  | { readonly kind: 'status'; readonly value: number }
  | { readonly kind: 'commit' }
  | { readonly kind: 'look'; readonly viewer: number }
  | { readonly kind: 'restart'; readonly viewer: number }

const VIEWERS = 3
const viewer = fc.nat({ max: VIEWERS - 1 })

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('begin' as const), count: fc.nat({ max: 40 }) }) },
  {
    weight: 20,
    arbitrary: fc.record({ kind: fc.constant('set' as const), task: fc.nat(), code: fc.nat({ max: 6 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('status' as const), value: fc.nat({ max: 3 }) }) },
  { weight: 6, arbitrary: fc.constant({ kind: 'commit' as const }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('look' as const), viewer }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), viewer }) },
)

/** A page: what it knows, and where it was. */
class Viewer {
  tasks = new LiveTasks()
  position: string | undefined
  status: number | undefined

  look(feed: LiveFeed<number>): void {
    const frame = feed.frameSince(this.position)
    if (frame === undefined) return
    // As it comes over the wire.
    const { status, ...change } = JSON.parse(JSON.stringify(frame))
    this.tasks.apply(change)
    this.status = status ?? this.status
    this.position = feed.position
  }
}

describe('the feed of the live page', () => {
  it('brings every viewer up to date, wherever it was', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const feed = new LiveFeed<number>()
        const viewers = Array.from({ length: VIEWERS }, () => new Viewer())
        let codes: number[] = []
        let status: number | undefined
        for (const one of steps) {
          if (one.kind === 'begin') {
            codes = new Array<number>(one.count).fill(LIVE_CODE.UNREAD)
            feed.begin(one.count)
          } else if (one.kind === 'set' && codes.length > 0) {
            codes[one.task % codes.length] = one.code
            feed.set(one.task % codes.length, one.code as LiveCode)
          } else if (one.kind === 'status') {
            status = one.value
            feed.setStatus(one.value)
          } else if (one.kind === 'commit') feed.commit()
          else if (one.kind === 'look') viewers[one.viewer]?.look(feed)
          else if (one.kind === 'restart') viewers[one.viewer] = new Viewer()
        }
        feed.commit()
        for (const each of viewers) {
          each.look(feed)
          if (feed.list === 0 && status === undefined) continue
          const seen = Array.from({ length: each.tasks.count }, (_, index) => each.tasks.codeOf(index))
          expect([each.tasks.list, seen, each.status]).toEqual([feed.list, codes, status])
          expect(feed.frameSince(each.position)).toBeUndefined()
        }
      }),
      { seed: SEED, numRuns: 500, verbose: 1 },
    )
  })

  it('has the same names for codes as the page', () => {
    expect(Object.entries(LIVE_CODE)).toEqual(CODE_NAMES.map((name, code) => [name, code]))
  })

  it('sends what has changed, and all where that is shorter', () => {
    const feed = new LiveFeed<string>()
    feed.begin(100)
    for (let index = 0; index < 100; index += 1) feed.set(index, LIVE_CODE.OPEN)
    feed.commit()
    const seen = feed.position
    feed.set(7, LIVE_CODE.RUNNING)
    feed.set(9, LIVE_CODE.DONE)
    feed.set(9, LIVE_CODE.DONE)
    feed.commit()
    expect(feed.frameSince(seen)).toEqual({ list: 1, taskCount: 100, changes: [7, 1, 9, 2] })
    for (let index = 0; index < 50; index += 1) feed.set(index, LIVE_CODE.FAILED)
    feed.commit()
    const { states = '', changes } = feed.frameSince(seen) ?? {}
    expect([Buffer.from(states, 'base64').length, changes]).toEqual([100, undefined])
  })

  it('begins anew for a viewer of another feed, and for one that makes its position up', () => {
    const other = new LiveFeed<string>()
    const feed = new LiveFeed<string>()
    for (const one of [other, feed]) {
      one.begin(3)
      one.commit()
    }
    const ahead = feed.position.replace(/\d+$/, '99')
    for (const position of [other.position, ahead, 'x', '', '0.0', `${feed.position}.1`])
      expect(feed.frameSince(position)).toHaveProperty('states')
    expect(feed.frameSince(feed.position)).toBeUndefined()
  })

  it('wakes who waits when something has changed, and only then', async () => {
    const feed = new LiveFeed<string>()
    const { position } = feed
    const woken = feed.changed(position, 60_000, never)
    feed.commit()
    feed.setStatus('news')
    feed.commit()
    await woken
    expect(feed.position).not.toBe(position)
    await feed.changed(position, 60_000, never)
    const leaving = new AbortController()
    const left = feed.changed(feed.position, 60_000, leaving.signal)
    leaving.abort()
    await left
    await feed.changed(feed.position, 1, never)
  })

  it('lets its source rest until somebody looks', async () => {
    const feed = new LiveFeed<string>()
    let isViewed = false
    const viewed = feed.viewed(never).then(() => {
      isViewed = true
    })
    await feed.changed(feed.position, 1, never)
    expect(isViewed).toBe(false)
    const leave = feed.join()
    await viewed
    expect(feed.viewerCount).toBe(1)
    await feed.viewed(never)
    leave()
    expect(feed.viewerCount).toBe(0)
  })
})
