/** A life log whose last entry a cache hides from its own instance. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../src/clock.ts'
import { Heartbeat } from '../src/heartbeat.ts'
import { hasEndedLife, readInstance, registerInstance, writeLife } from '../src/instance.ts'
import { Lease } from '../src/lease.ts'
import { nodeFileLayer as files } from '../src/node-file-layer.ts'
import { prepareRoot } from '../src/root-check.ts'

const TIMINGS = { heartbeatMs: 10, leaseMs: 1000, visibilityMs: 0, deadAfterMs: 2000 }

async function registered(): Promise<{ root: string; instance: string }> {
  const root = mkdtempSync(join(tmpdir(), 'mpibatch-test-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  await prepareRoot(files, root, { sync: false })
  const { instance } = await registerInstance(files, root, { liveness: TIMINGS, sync: false })
  return { root, instance }
}

function write(root: string, instance: string, entry: number, life: 'ALIVE' | 'DEAD'): Promise<boolean> {
  const staged = join(root, '.mpibatch', 'i', instance, `new.test.${entry}`)
  return writeLife(files, root, { instance, entry, life, staged, sync: false })
}

it('DEAD stands whatever follows', async () => {
  const { root, instance } = await registered()
  await write(root, instance, 2, 'DEAD')
  await write(root, instance, 3, 'ALIVE')
  expect(hasEndedLife(readInstance(files, root, instance))).toBe(true)
})

it('an entry that is taken but hidden is not passed over: it says DEAD', async () => {
  const { root, instance } = await registered()
  await write(root, instance, 2, 'DEAD')
  let hidden = true
  const caching: typeof files = {
    ...files,
    peek: (path) => (hidden && path.endsWith('/life.2') ? undefined : files.peek(path)),
    list: (path) => [...files.list(path)].filter(({ name }) => !(hidden && name === 'life.2')),
  }
  const lease = Lease.create(systemClock.now(), { leaseMs: TIMINGS.leaseMs })
  lease.suspect()
  const heartbeat = new Heartbeat({
    files: caching,
    root,
    instance,
    lease,
    leaseMs: TIMINGS.leaseMs,
    sync: false,
  })
  await heartbeat.beat()
  expect(lease.state).toBe('suspect')
  expect(files.peek(join(root, '.mpibatch', 'i', instance, 'life.3'))).toBeUndefined()
  hidden = false
  await heartbeat.beat()
  expect(lease.state).toBe('lost')
})
