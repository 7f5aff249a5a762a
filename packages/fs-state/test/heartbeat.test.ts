import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { FileLayer } from '../src/file-layer.ts'
import { Heartbeat } from '../src/heartbeat.ts'
import { registerInstance, writeLife } from '../src/instance.ts'
import { Lease } from '../src/lease.ts'
import type { LivenessTimings } from '../src/liveness-timings.ts'
import { nodeFileLayer } from '../src/node-file-layer.ts'
import { prepareRoot } from '../src/root-check.ts'
import { FakeClock } from './fake-clock.ts'
import { freshRoot } from './store-harness.ts'

const TIMINGS: LivenessTimings = { heartbeatMs: 2000, leaseMs: 20_000, visibilityMs: 0, deadAfterMs: 30_000 }

/** A registered instance with its lease, and a heart that a test makes beat. */
async function registered(files: FileLayer = nodeFileLayer) {
  const root = freshRoot()
  const clock = new FakeClock()
  await prepareRoot(nodeFileLayer, root, { sync: false })
  const { instance } = await registerInstance(nodeFileLayer, root, { liveness: TIMINGS, sync: false })
  const { leaseMs } = TIMINGS
  const lease = Lease.create(clock.now(), { leaseMs, clock })
  const heartbeat = new Heartbeat({ files, root, instance, lease, leaseMs, sync: true, clock })
  const place = join(root, '.mpibatch', 'i', instance)
  const life = (entry: number): string | undefined => {
    const path = join(place, `life.${entry}`)
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined
  }
  const declareDead = (entry: number) =>
    writeLife(nodeFileLayer, root, {
      instance,
      entry,
      life: 'DEAD',
      staged: join(place, 'new.9.9'),
      sync: false,
    })
  return { root, clock, lease, heartbeat, place, life, declareDead }
}

describe('a heartbeat', () => {
  it('rewrites a counter of one size in place, and renews the lease', async () => {
    const { heartbeat, lease, clock, place } = await registered()
    const texts = [readFileSync(join(place, 'hb'), 'utf8')]
    for (let count = 0; count < 3; count += 1) {
      clock.pass(15_000)
      await heartbeat.beat()
      texts.push(readFileSync(join(place, 'hb'), 'utf8'))
    }
    expect(lease.state).toBe('valid')
    expect(new Set(texts).size).toBe(4)
    expect(new Set(texts.map((text) => text.length))).toEqual(new Set([17]))
  })

  it('that took too long counts for nothing: the lease is won back through the life log', async () => {
    let slow = 0
    const { heartbeat, lease, clock, life } = await registered({
      ...nodeFileLayer,
      sync: (descriptor) => {
        clock.pass(slow)
        slow = 0
        return nodeFileLayer.sync(descriptor)
      },
    })
    slow = 20_001
    await heartbeat.beat()
    expect(lease.state).toBe('valid')
    expect(life(2)).toBe('ALIVE')
  })

  it('after a lease that ran out does not win it back if the instance was declared dead meanwhile', async () => {
    const { heartbeat, lease, clock, life, declareDead } = await registered()
    clock.pass(20_001)
    await declareDead(2)
    await heartbeat.beat()
    expect(lease.state).toBe('lost')
    expect(life(3)).toBeUndefined()
  })

  it('learns that it is dead also where a cache hides the entry that says so', async () => {
    let hidden = true
    const { heartbeat, lease, declareDead } = await registered({
      ...nodeFileLayer,
      peek: (path) => (hidden && path.endsWith('life.2') ? undefined : nodeFileLayer.peek(path)),
      *list(path) {
        for (const entry of nodeFileLayer.list(path)) if (!hidden || entry.name !== 'life.2') yield entry
      },
      link: (existing, path) => {
        hidden = false
        nodeFileLayer.link(existing, path)
      },
    })
    await declareDead(2)
    lease.suspect()
    await heartbeat.beat()
    expect(lease.state).toBe('lost')
  })

  it('asks the life log after the machine may have stood still with all its clocks', async () => {
    const { heartbeat, lease, clock, life } = await registered()
    clock.stepWall(20_001)
    expect(lease.state).toBe('valid')
    await heartbeat.beat()
    expect(lease.state).toBe('valid')
    expect(life(2)).toBe('ALIVE')
    clock.stepWall(-3_600_000)
    await heartbeat.beat()
    expect(life(3)).toBeUndefined()
  })

  it('that the disk refuses leaves the lease to run out', async () => {
    const { heartbeat, lease, clock } = await registered({
      ...nodeFileLayer,
      write: () => {
        throw Object.assign(new Error('EIO'), { code: 'EIO' })
      },
    })
    await expect(heartbeat.beat()).rejects.toThrow('EIO')
    expect(lease.state).toBe('valid')
    clock.pass(20_001)
    await expect(heartbeat.beat()).rejects.toThrow('EIO')
    expect(lease.state).toBe('suspect')
  })

  it('gives up where somebody has removed the instance', async () => {
    const { heartbeat, lease, root } = await registered()
    rmSync(join(root, '.mpibatch'), { recursive: true })
    await expect(heartbeat.beat()).rejects.toThrow('ENOENT')
    expect(lease.state).toBe('lost')
  })
})
