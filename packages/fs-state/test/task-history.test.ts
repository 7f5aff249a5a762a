import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { explainTask, nodeFileLayer, type TaskHistory } from '../src/index.ts'
import type { JobAnswer } from '../src/slurm-jobs.ts'
import {
  freshRoot,
  mustClaim,
  openStore,
  plan,
  pretendDead,
  pretendJob,
  pretendReboot,
  pretendRemote,
  RECORD,
} from './store-harness.ts'

/** Asks no Slurm that the machine may have. */
const jobs = { describe: (): Promise<JobAnswer> => Promise.resolve({ verdict: 'unknown' }) }

async function explain(root: string, name = 'a', answer?: JobAnswer): Promise<TaskHistory> {
  const asked = answer === undefined ? jobs : { describe: () => Promise.resolve(answer) }
  const history = await explainTask(root, name, { jobs: asked })
  if (history === undefined) throw new Error(`No task ${name}`)
  return history
}

const kindsOf = (history: TaskHistory): string[] => history.oddities.map(({ kind }) => kind)

/** A root whose task `a` is claimed by an instance that is still registered. */
async function claimed(): Promise<{ root: string; instance: string }> {
  const root = freshRoot()
  const store = await openStore(root)
  await mustClaim(store)
  return { root, instance: store.instance }
}

/** A root that only pshmem has used. */
function foreignRoot(text: string): string {
  const root = freshRoot()
  mkdirSync(join(root, 'a'), { recursive: true })
  writeFileSync(join(root, 'a', 'state'), text)
  return root
}

describe('the history of a task', () => {
  it('has each event with its maker, and each attempt with how it ended', async () => {
    const root = freshRoot()
    const store = await openStore(root)
    const failed = { ...RECORD, reason: 'exit', exitCode: 3, message: 'exit code 3' } as const
    await store.publish(await mustClaim(store), 'FAILED', failed)
    await store.publish(await mustClaim(store, 0, { retryFailed: true }), 'DONE', RECORD)
    const history = await explain(root)
    const { instance } = store
    expect(history).toMatchObject({
      ...{ name: 'a', index: 0, state: 'DONE', stateText: 'DONE\n', summary: 'run a' },
      events: [
        { slot: 1, kind: 'CLAIM', instance, rank: 0, pid: process.pid, atMs: 1000 },
        { slot: 2, kind: 'FAILED', instance },
        { slot: 3, kind: 'CLAIM', instance },
        { slot: 4, kind: 'DONE', instance },
      ],
      attempts: [
        {
          attempt: 1,
          slot: 1,
          outcome: 'ended',
          state: 'FAILED',
          exitCode: 3,
          message: 'exit code 3',
          durationMs: 5,
        },
        { attempt: 2, slot: 3, outcome: 'ended', state: 'DONE' },
      ],
      oddities: [],
      outlook: { action: 'ended', state: 'DONE' },
    })
    expect(history.owner).toBeUndefined()
    expect(history.events[3]?.atMs).toBeGreaterThan(Date.now() - 60_000)
  })

  it('tells a result that came too late from the one that counts', async () => {
    const { root, instance } = await claimed()
    const late = await openStore(root)
    const claim = await mustClaim(late, 0, { stealRunning: true })
    await late.publish(claim, 'DONE', RECORD)
    expect(await explain(root)).toMatchObject({
      attempts: [
        { attempt: 1, instance, outcome: 'superseded' },
        { attempt: 2, instance: late.instance, outcome: 'ended' },
      ],
    })
  })

  it('is empty for a task that was never claimed, and undefined for one that is not there', async () => {
    const root = freshRoot()
    await openStore(root, plan('a', 'b'))
    const history = await explain(root, 'b')
    expect(history).toMatchObject({
      index: 1,
      state: 'OPEN',
      events: [],
      attempts: [],
      outlook: { action: 'start' },
    })
    expect(kindsOf(history)).toEqual(['no-directory'])
    expect(await explainTask(root, 'c', { jobs })).toBeUndefined()
  })
})

describe('the owner of a task', () => {
  const LEFT = { action: 'left-alone' }
  it.each([
    ['runs here', () => undefined, 'process-runs', { action: 'running' }],
    ['is gone', pretendDead, 'process-gone', { action: 'take-over' }],
    ['ran before a reboot', pretendReboot, 'rebooted', { action: 'take-over' }],
    ['is elsewhere', pretendRemote, 'out-of-sight', { action: 'wait-for-silence', deadAfterMs: 30_000 }],
    ['is not known', removeInstance, 'unregistered', LEFT],
  ] as const)('%s, which tells what happens next', async (_what, change, sight, outlook) => {
    const { root, instance } = await claimed()
    change(root, instance)
    const history = await explain(root)
    expect(history).toMatchObject({ state: 'RUNNING', owner: { instance, sight }, outlook })
  })

  function removeInstance(root: string, instance: string): void {
    rmSync(join(root, '.mpibatch/i', instance), { recursive: true })
  }

  it('may be in a job, of which a scheduler is asked', async () => {
    const { root, instance } = await claimed()
    const job = { jobId: '12', cluster: 'fake', restartCount: 0 }
    pretendJob(root, instance, job)
    const ended = await explain(root, 'a', { verdict: 'ended', word: 'CANCELLED' })
    expect(ended.owner?.job).toEqual({ ...job, verdict: 'ended', word: 'CANCELLED' })
    expect(ended.outlook).toEqual({ action: 'wait-for-silence', deadAfterMs: 6000 })
    const running = await explain(root, 'a', { verdict: 'running', word: 'RUNNING' })
    expect(running.outlook).toEqual({ action: 'wait-for-silence', deadAfterMs: 30_000 })
  })

  it('has shown its last sign of life some time ago', async () => {
    const { root } = await claimed()
    const age = (await explain(root)).owner?.heartbeatAgeMs ?? Number.NaN
    expect(age).toBeGreaterThan(-1000)
    expect(age).toBeLessThan(60_000)
  })

  it('has ended by its own word, with a result that it did not finish', async () => {
    const root = freshRoot()
    let stop = false
    const store = await openStore(root, undefined, {
      onStep: ({ kind, step }) => {
        if (stop && kind === 'DONE' && step === 'P2') throw new Error('stopped here')
      },
    })
    const claim = await mustClaim(store)
    stop = true
    await expect(store.publish(claim, 'DONE', RECORD)).rejects.toThrow('stopped here')
    expect(await explain(root)).toMatchObject({
      state: 'RUNNING',
      outlook: { action: 'ending', state: 'DONE' },
    })
    await store.close()
    const history = await explain(root)
    expect(history).toMatchObject({
      state: 'DONE',
      stateText: 'RUNNING\n',
      owner: { sight: 'exited' },
      outlook: { action: 'complete', state: 'DONE' },
    })
    expect(kindsOf(history)).toEqual(['pending-payload'])
  })

  it('has died so often that the task is given up', async () => {
    const root = freshRoot()
    for (const _death of [1, 2, 3]) {
      const store = await openStore(root)
      await mustClaim(store)
      pretendDead(root, store.instance)
    }
    expect((await explainTask(root, 'a', { jobs, crashLimit: 3 }))?.outlook).toEqual({
      action: 'give-up',
      deaths: 3,
    })
    expect((await explain(root)).outlook).toEqual({ action: 'take-over' })
  })

  it('recorded an end that did not count before it died', async () => {
    const { root, instance } = await claimed()
    const end = {
      kind: 'end',
      task: 'a',
      slot: 1,
      attempt: 1,
      state: 'DONE',
      host: 'h',
      atMs: 2000,
      ...RECORD,
    }
    writeFileSync(join(root, '.mpibatch/i', instance, 'attempts.0'), `${JSON.stringify(end)}\n`)
    pretendDead(root, instance)
    const history = await explain(root)
    expect(history.attempts).toMatchObject([{ outcome: 'unreported', state: 'DONE', endedAtMs: 2000 }])
    expect(kindsOf(history)).toEqual(['unreported-end'])
  })
})

describe('the files of a task that are not as they should be', () => {
  it.each([
    ['RUNNING\n', 'RUNNING', ['foreign-running'], { action: 'left-alone' }],
    ['OPEN\n', 'OPEN', [], { action: 'start' }],
    ['DONE', 'DONE', [], { action: 'ended', state: 'DONE' }],
    ['FAILED\r\n', 'FAILED', [], { action: 'ended', state: 'FAILED' }],
    ['what?\n', 'INVALID', ['invalid-state'], { action: 'mend' }],
    ['', 'OPEN', ['empty-state'], { action: 'start' }],
  ])(
    'are named where there is nothing but a state file that says %j',
    async (text, state, kinds, outlook) => {
      const history = await explain(foreignRoot(text))
      expect(history).toMatchObject({ state, stateText: text, events: [], attempts: [], outlook })
      expect(kindsOf(history)).toEqual(kinds)
    },
  )

  it('are named: leftovers, gaps, and events that can’t be read', async () => {
    const { root, instance } = await claimed()
    const directory = join(root, 'a')
    writeFileSync(join(directory, 'state.ev.2'), 'torn')
    writeFileSync(join(directory, 'state.ev.4'), `1 CLAIM ${instance} 0 00000000\n`)
    writeFileSync(join(directory, `state.p1.${instance}`), 'RUNNING\n')
    writeFileSync(join(directory, 'state.temp'), 'DONE\n')
    const history = await explain(root)
    expect(kindsOf(history).sort()).toEqual([
      'foreign-file',
      'leftover-payload',
      'missing-event',
      'unreadable-event',
    ])
    expect(history.events).toMatchObject([{ slot: 1, kind: 'CLAIM' }, { slot: 2 }])
    expect(history.outlook).toEqual({ action: 'left-alone' })
  })

  it('are named: FAILED over a claim', async () => {
    const { root } = await claimed()
    writeFileSync(join(root, 'a', 'state'), 'FAILED\n')
    expect(await explain(root)).toMatchObject({ state: 'FAILED', oddities: [{ kind: 'foreign-failed' }] })
  })

  it('are named: OPEN over a result, a directory that is a link', async () => {
    const root = freshRoot()
    const store = await openStore(root, plan('a', 'b'))
    await store.publish(await mustClaim(store), 'DONE', RECORD)
    writeFileSync(join(root, 'a', 'state'), 'OPEN\n')
    expect(await explain(root)).toMatchObject({ state: 'DONE', oddities: [{ kind: 'overwritten' }] })
    symlinkSync(join(root, 'a'), join(root, 'b'))
    const linked = await explain(root, 'b')
    expect(linked).toMatchObject({
      state: 'INVALID',
      outlook: { action: 'mend' },
      oddities: [{ kind: 'directory' }],
    })
  })

  it.skipIf(process.getuid?.() === 0)('are named: one that must not be read', async () => {
    const root = foreignRoot('DONE\n')
    chmodSync(join(root, 'a', 'state'), 0o000)
    expect(await explain(root)).toMatchObject({ state: 'INVALID', oddities: [{ kind: 'invalid-state' }] })
  })

  it('change nothing by being looked at', async () => {
    const { root, instance } = await claimed()
    pretendDead(root, instance)
    const changed: string[] = []
    const refuse = (call: string) => () => {
      changed.push(call)
      throw new Error(call)
    }
    const files = {
      ...nodeFileLayer,
      ...{
        link: refuse('link'),
        symlink: refuse('symlink'),
        rename: refuse('rename'),
        write: refuse('write'),
      },
      ...{ unlink: refuse('unlink'), mkdir: refuse('mkdir'), rmdir: refuse('rmdir') },
    }
    await explainTask(root, 'a', { jobs, files })
    expect(changed).toEqual([])
  })
})
