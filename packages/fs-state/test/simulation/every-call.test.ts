/** What goes wrong at each single call of a task's life: claim, run, publish. */
import { FencedError, MpibatchError, StateIoError } from '@mpibatch/batch-core'
import { describe, expect, it } from 'vitest'
import type { Fault, FileCall } from '../faulty-file-layer.ts'
import { MachineCrash } from './simulated-client.ts'
import { countCalls, type EventMedium, SimulatedWorld, type WorldOptions } from './simulated-world.ts'

const MEDIA: readonly EventMedium[] = ['link', 'symlink', 'file']
const DURABILITIES = ['none', 'terminal', 'full'] as const
/** A task without a directory is claimed in another way, but where claims are synced. */
const PLACES = [
  { metadata: 'ordered', isPrepared: false },
  { metadata: 'ordered', isPrepared: true },
  { metadata: 'unordered' },
] as const
const WORLDS: readonly WorldOptions[] = MEDIA.flatMap((medium) =>
  DURABILITIES.flatMap((durability) => PLACES.map((place) => ({ medium, durability, ...place }))),
)

/** Where nothing is synced and names get lost in any order, a power cut leaves nothing to rely on. */
const AFTER_POWER_CUT = WORLDS.filter(
  ({ durability, metadata }) => durability !== 'none' || metadata === 'ordered',
)

/** Calls that need space. */
const GROWS: ReadonlySet<string> = new Set(['write', 'link', 'symlink', 'mkdir'])

function needsSpace({ name, path }: FileCall): boolean {
  return GROWS.has(name) || (name === 'open' && /\/(state\.p\d+\.\w+|tok\.[^/]+|attempts\.\d+)$/.test(path))
}

/** Does something for each call of a life, in each kind of world. */
async function atEachCall(
  worlds: readonly WorldOptions[],
  look: (world: SimulatedWorld, number: number, what: string) => Promise<void>,
): Promise<void> {
  for (const options of worlds) {
    const count = await countCalls(options)
    expect(count).toBeGreaterThan(15)
    for (let number = 0; number < count; number += 1) {
      const world = new SimulatedWorld(options)
      const what = `call ${number} of ${count}, ${JSON.stringify(options)}`
      await look(world, number, what)
      expect(world.referee.fault, what).toBeUndefined()
    }
  }
}

/** An error of one call. */
function failingAt(at: number, fault: Fault): (call: FileCall) => Fault {
  return ({ number }) => (number === at ? fault : undefined)
}

describe('a full disk', () => {
  it.each(['ENOSPC', 'EDQUOT'])(
    'with %s from any call on reports nothing that is not there, and the task is run when there is space',
    async (code) => {
      await atEachCall(WORLDS, async (world, at, what) => {
        let full = true
        const fault = (call: FileCall): Fault =>
          full && call.number >= at && needsSpace(call) ? { code } : undefined
        const one = world.open({ fault })
        const error = await world.run(one).then(
          (reported) => (reported ? undefined : 'not reported'),
          (thrown: unknown) => thrown,
        )
        if (error === undefined) expect(world.state, what).toBe('DONE\n')
        else expect(error, what).toBeInstanceOf(StateIoError)
        full = false
        expect(await world.finish(), what).toBe(true)
        expect(world.state, what).toBe('DONE\n')
      })
    },
  )
})

describe('a call that fails with', () => {
  it.each([
    ['EIO', false],
    ['EIO', true],
    ['ESTALE', false],
    ['ESTALE', true],
    ['EINTR', false],
  ] as const)(
    '%s (after it took effect: %s) leads to no second claim, and to no report that a power cut takes back',
    async (code, after) => {
      await atEachCall(AFTER_POWER_CUT, async (world, at, what) => {
        const one = world.open({ fault: failingAt(at, { code, after }) })
        const first = await world.tryRun(one)
        // Whatever became of it, a second try of the same instance must not win what it may have won before.
        const reported = (await world.tryRun(one)) || first
        const other = world.open()
        // The first one lives, so the task is not for the other, unless it is DONE.
        expect(await world.tryRun(other), what).toBe(world.state === 'DONE\n')
        if (reported) expect(world.state, what).toBe('DONE\n')
        world.cutPower(at)
      })
    },
  )

  it.each([
    ['link', 'ENOSPC'],
    ['open', 'EIO'],
  ] as const)('ETIMEDOUT is not forgotten when the %s after it fails with %s', async (name, code) => {
    const world = new SimulatedWorld({ isPrepared: true })
    let links = 0
    const one = world.open({
      fault: (call) => {
        if (!call.path.endsWith('/state.ev.1')) return undefined
        if (call.name === 'link') links += 1
        if (call.name === 'link' && links === 1) return { code: 'ETIMEDOUT', after: true }
        return call.name === name ? { code } : undefined
      },
    })
    // The event was made, so its payload must stay, and this instance must not try the slot again.
    await expect(world.run(one)).rejects.toMatchObject({ details: { slot: 1, tried: true } })
    expect(world.system.textOf(`/root/a/state.p1.${one.name}`)).toBe('RUNNING\n')
    expect(await world.tryRun(one)).toBe(false)
    expect(await world.finish()).toBe(true)
    expect(world.referee.fault).toBeUndefined()
  })

  it('EIO at every try leaves the task to others', async () => {
    await atEachCall([{ durability: 'full' }], async (world, at, what) => {
      let paths: string | undefined
      const fault = (call: FileCall): Fault => {
        if (call.number < at) return undefined
        paths ??= `${call.name} ${call.path}`
        return paths === `${call.name} ${call.path}` ? { code: 'EIO' } : undefined
      }
      await world.tryRun(world.open({ fault }))
      expect(await world.finish(), what).toBe(true)
    })
  })
})

describe('a sync that fails and then seems to work', () => {
  it('is not believed: what is reported survives a power cut', async () => {
    let failures = 0
    await atEachCall(
      WORLDS.filter(({ durability }) => durability !== 'none'),
      async (world, at, what) => {
        const fault = ({ name, number }: FileCall): Fault => {
          if (name !== 'sync' || number !== at) return undefined
          failures += 1
          return { code: 'EIO' }
        }
        const reported = await world.tryRun(world.open({ fault }))
        for (let seed = 0; seed < 3; seed += 1) world.cutPower(seed)
        if (reported) expect(world.state, what).toBe('DONE\n')
        expect(await world.finish(), what).toBe(true)
      },
    )
    expect(failures).toBeGreaterThan(20)
  })
})

describe('a request that the server was sent twice', () => {
  it('at any call costs nothing: the task is claimed and DONE', async () => {
    let replays = 0
    // A plain file says only after it was made whose event it is, so there a lost answer loses the slot.
    await atEachCall(
      WORLDS.filter(({ medium }) => medium !== 'file'),
      async (world, at, what) => {
        const one = world.open({
          isReplayed: () => {
            if (one.client.callCount !== at + 1) return false
            replays += 1
            return true
          },
        })
        expect(await world.run(one), what).toBe(true)
        expect(world.state, what).toBe('DONE\n')
      },
    )
    expect(replays).toBeGreaterThan(50)
  })

  it('loses a slot where events are plain files, but never the task', async () => {
    await atEachCall([{ medium: 'file' }], async (world, at, what) => {
      const one = world.open({ isReplayed: () => one.client.callCount === at + 1 })
      await world.run(one).catch((error: unknown) => expect(error, what).toBeInstanceOf(FencedError))
      expect(await world.finish(), what).toBe(true)
      expect(world.state, what).toBe('DONE\n')
    })
  })
})

describe('a power cut', () => {
  it('at any call takes nothing back that was reported, and the next run goes on without being told', async () => {
    for (let seed = 0; seed < 4; seed += 1) {
      await atEachCall(AFTER_POWER_CUT, async (world, at, what) => {
        const one = world.open({ callsMax: at + 1 })
        await world.run(one).catch((error: unknown) => expect(isCrash(error), what).toBe(true))
        world.cutPower(seed * 1000 + at)
        expect(await world.finish(), what).toBe(true)
      })
    }
  })

  it('soon after a call that was repeated takes no claim away from under its state', async () => {
    const worlds = MEDIA.map((medium) => ({ medium, isPrepared: false }))
    for (let later = 6; later <= 12; later += 1) {
      for (let seed = 0; seed < 8; seed += 1) {
        await atEachCall(worlds, async (world, at, what) => {
          const fault = failingAt(at, { code: 'EIO', after: true })
          const one = world.open({ fault, callsMax: at + 1 + later })
          await world
            .run(one)
            .catch((error: unknown) =>
              expect(isCrash(error) || error instanceof MpibatchError, `${error}, ${what}`).toBe(true),
            )
          world.cutPower(seed)
          expect(await world.finish(), `${later} calls after ${what}, seed ${seed}`).toBe(true)
        })
      }
    }
  })

  it('right after the report takes nothing back', async () => {
    for (const options of WORLDS.filter(({ durability }) => durability !== 'none')) {
      for (let seed = 0; seed < 50; seed += 1) {
        const world = new SimulatedWorld(options)
        expect(await world.run(world.open())).toBe(true)
        world.cutPower(seed)
        expect(world.state, `seed ${seed}, ${JSON.stringify(options)}`).toBe('DONE\n')
        expect(world.referee.fault).toBeUndefined()
      }
    }
  })
})

/** Whether it came from a machine that crashed, however it was wrapped. */
function isCrash(error: unknown): boolean {
  if (error instanceof MachineCrash) return true
  return error instanceof Error && error.cause !== undefined && isCrash(error.cause)
}
