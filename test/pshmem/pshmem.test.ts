/** pshmem itself, before, during and after our runs on one task root. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Ended, readStates, runProgram, startProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'
import {
  hasPshmem,
  type Job,
  readEvidence,
  runJob,
  startJob,
  startReader,
  statesSeen,
} from './pshmem-programs.ts'

if (!hasPshmem && process.env.MPIBATCH_REQUIRE_PSHMEM === '1') {
  throw new Error(
    'MPIBATCH_REQUIRE_PSHMEM=1, but pshmem is not installed: run "node test/pshmem/prepare.mjs".',
  )
}

/** A task root that both programs use, and what they did there. */
class Place {
  readonly cwd: string = temporaryDirectory()
  readonly root: string = join(this.cwd, 'root')
  readonly evidence: string = join(this.cwd, 'evidence')
  readonly gate: string = join(this.cwd, 'gate')
  readonly names: readonly string[]

  constructor(taskCount: number) {
    this.names = Array.from({ length: taskCount }, (_, index) => `task_${String(index + 1).padStart(6, '0')}`)
    writeFileSync(this.evidence, '')
  }

  job(more: Partial<Job> = {}): Job {
    return { root: this.root, names: this.names, evidence: this.evidence, ...more }
  }

  /**
   * Our command line: each task writes evidence, and does `work` in between. What the tasks do is read from a file,
   * so that another run may do something else and still have the same list.
   */
  line(work: string, ...options: string[]): string[] {
    const note = (what: string): string => `echo "${what} mpibatch $MPIBATCH_TASK" >> ${this.evidence}`
    const script = join(this.cwd, 'task.sh')
    writeFileSync(script, `${note('start')}\n${work}\n${note('end')}\n`)
    const list = ['--array', `1-${this.names.length}`, '--name', 'task_{#}']
    return ['run', '--root', this.root, '--json', ...list, ...options, '--', 'sh', '-e', script]
  }

  /** Tasks that one of the programs started since the evidence had so many lines. */
  started(by: 'mpibatch' | 'pshmem', since = 0): string[] {
    const traces = readEvidence(this.evidence).slice(since)
    return traces.filter((trace) => trace.by === by && trace.what === 'start').map(({ name }) => name)
  }

  withState(state: string): string[] {
    if (!existsSync(this.root)) return []
    const states = Object.entries(readStates(this.root))
    return states.filter(([, found]) => found === state).map(([name]) => name)
  }
}

interface Summary {
  readonly done: number
  readonly failed: number
  readonly elsewhere: number
  readonly exitCode: number
}

function summaryOf({ stdout, stderr }: Ended): Summary {
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as Summary
}

describe.skipIf(!hasPshmem).each([1, 2])('pshmem on %d ranks', (ranks) => {
  it('has run before: its DONE is skipped, its FAILED reported, its RUNNING left unless it is to be stolen', async () => {
    const place = new Place(12)
    const { cwd, names, root } = place
    const failing = names.slice(2, 4)
    await runJob(place.job({ limit: 6 / ranks, failing }), { ranks, cwd })
    expect(place.started('pshmem').sort()).toEqual(names.slice(0, 6))
    const killed = await startJob(place.job({ kill: true }), { ranks, cwd }).ended
    expect(killed.exitCode).not.toBe(0)
    const running = place.withState('RUNNING')
    expect(running.length).toBeGreaterThanOrEqual(1)
    expect(running.length).toBeLessThanOrEqual(ranks)
    expect([place.withState('DONE'), place.withState('FAILED')]).toEqual([
      names.slice(0, 6).filter((name) => !failing.includes(name)),
      failing,
    ])

    const first = summaryOf(await runProgram(place.line(':'), { cwd }))
    expect(first).toMatchObject({
      done: 10 - running.length,
      failed: 2,
      elsewhere: running.length,
      exitCode: 1,
    })
    expect(place.started('mpibatch').sort()).toEqual(names.slice(6).filter((name) => !running.includes(name)))
    for (const name of running) expect(readFileSync(join(root, name, 'state'), 'utf8')).toBe('RUNNING\n')

    const stealing = summaryOf(await runProgram(place.line(':', '--steal-running'), { cwd }))
    expect(stealing).toMatchObject({ done: 10, failed: 2, elsewhere: 0, exitCode: 1 })
    const retrying = summaryOf(await runProgram(place.line(':', '--retry-failed'), { cwd }))
    expect(retrying).toMatchObject({ done: 12, failed: 0, exitCode: 0 })
    expect(place.started('mpibatch').sort()).toEqual([...failing, ...names.slice(6)].sort())
  })

  it('runs after us: it does nothing that we did, leaves what we run, and sees each state as we wrote it', async () => {
    const place = new Place(8)
    const { cwd, names, root, gate } = place
    // The third task fails, the last one waits at the gate and is still RUNNING when pshmem comes.
    const work = `case $MPIBATCH_TASK in ${names[2]}) exit 1;; ${names[7]}) while [ ! -e ${gate} ]; do sleep 0.02; done;; esac`
    const ours = startProgram(place.line(work, '-j', '2'), { cwd })
    await waitUntil(
      () => place.started('mpibatch').includes(names[7] ?? '') && place.withState('DONE').length === 6,
      {
        describe: () => `${JSON.stringify(readEvidence(place.evidence))} ${ours.stderr()}`,
      },
    )
    const beside = await runJob(place.job(), { ranks, cwd })
    expect(place.started('pshmem')).toEqual([])
    expect(beside).toEqual(readStates(root))
    expect([beside[names[2] ?? ''], beside[names[7] ?? '']]).toEqual(['FAILED', 'RUNNING'])
    writeFileSync(gate, '')
    expect(summaryOf(await ours.ended)).toMatchObject({ done: 7, failed: 1 })

    const after = await runJob(place.job(), { ranks, cwd })
    expect(place.started('pshmem')).toEqual([])
    expect(after).toEqual(readStates(root))
    // What it is asked to retry it does, and then we have nothing to do.
    await runJob(place.job({ ignore: ['failed'] }), { ranks, cwd })
    expect(place.started('pshmem')).toEqual([names[2]])
    const lines = readEvidence(place.evidence).length
    expect(summaryOf(await runProgram(place.line(':'), { cwd }))).toMatchObject({ done: 8, exitCode: 0 })
    expect(place.started('mpibatch', lines)).toEqual([])
  })

  it('runs at the same time: each state is one whole word at every instant, and all tasks end DONE', async () => {
    const place = new Place(150)
    const { cwd, root } = place
    mkdirSync(root)
    const endReader = startReader(root, { cwd })
    const theirs = startJob(place.job({ work_ms: 10 }), { ranks, cwd })
    await waitUntil(() => place.started('pshmem').length > 0, { describe: theirs.stderr })
    const ours = startProgram(place.line('sleep 0.01', '-j', '2'), { cwd })
    const [, ended] = await Promise.all([theirs.ended.then(statesSeen), ours.ended])
    expect([0, 1], ended.stderr).toContain(ended.exitCode)
    // pshmem takes no claims, so it may have put OPEN or RUNNING over a claim of ours; the next run finds that out.
    const last = await runProgram(place.line(':', '--steal-running'), { cwd })
    expect(summaryOf(last), last.stderr).toMatchObject({ done: 150, exitCode: 0 })
    const { looks, faults, tasks } = await endReader()
    expect(faults).toEqual([])
    expect(tasks).toBe(150)
    expect(looks).toBeGreaterThan(1500)
    const [byUs, byThem] = [place.started('mpibatch'), place.started('pshmem')]
    expect(new Set([...byUs, ...byThem]).size).toBe(150)
    // Both took a real part; otherwise this test would show nothing.
    expect(Math.min(byUs.length, byThem.length)).toBeGreaterThan(10)
  })

  it('is noticed when it ends a task that we run: its word stands, and the run says so and goes on', async () => {
    const place = new Place(4)
    const { cwd, root, names, gate } = place
    const waiting = `while [ ! -e ${gate} ]; do sleep 0.02; done`
    const work = `if [ $MPIBATCH_TASK = ${names[0]} ]; then ${waiting}; exit 1; fi`
    const ours = startProgram(place.line(work, '-j', '2'), { cwd })
    await waitUntil(() => place.withState('DONE').length === 3, { describe: ours.stderr })
    // Of its own ranks too, each may take what another one runs.
    await runJob(place.job({ ignore: ['running'] }), { ranks, cwd })
    expect([...new Set(place.started('pshmem'))]).toEqual([names[0]])
    writeFileSync(gate, '')
    const ended = await ours.ended
    expect(ended.stderr).toMatch(/task_000001.*says DONE, although this run has the task/)
    expect(readStates(root)).toEqual(Object.fromEntries(names.map((name) => [name, 'DONE'])))
    expect(summaryOf(ended)).toMatchObject({ failed: 0 })
    expect(summaryOf(await runProgram(place.line(':'), { cwd }))).toMatchObject({ done: 4, exitCode: 0 })
    expect(place.started('mpibatch').length).toBe(4)
  })
})

describe.skipIf(!hasPshmem)('the text of a state', () => {
  it('is the same from pshmem and from us, byte for byte, for all four words', async () => {
    const theirs = new Place(4)
    const ours = new Place(4)
    const word = (place: Place, index: number): Buffer =>
      readFileSync(join(place.root, place.names[index] ?? '', 'state'))
    // Of four tasks, in this order: DONE, FAILED, RUNNING and OPEN.
    const failing = theirs.names.slice(1, 2)
    await runJob(theirs.job({ limit: 2, failing }), { ranks: 1, cwd: theirs.cwd })
    await startJob(theirs.job({ kill: true }), { ranks: 1, cwd: theirs.cwd }).ended
    const work = `case $MPIBATCH_TASK in ${ours.names[1]}) exit 1;; ${ours.names[2]}) sleep 600;; esac`
    const running = startProgram(ours.line(work, '-j', '1'), { cwd: ours.cwd })
    await waitUntil(() => ours.started('mpibatch').length === 3, { describe: running.stderr })
    running.child.kill('SIGKILL')
    await running.ended
    const theirWords = theirs.names.map((_name, index) => word(theirs, index))
    const ourWords = [0, 1, 2].map((index) => word(ours, index))
    const opened = await runProgram(['rerun', ours.root, ours.names[0] ?? ''], { cwd: ours.cwd })
    expect(opened.exitCode, opened.stderr).toBe(0)
    ourWords.push(word(ours, 0))
    expect(theirWords.map(String)).toEqual(['DONE\n', 'FAILED\n', 'RUNNING\n', 'OPEN\n'])
    expect(ourWords.map((bytes, index) => bytes.equals(theirWords[index] ?? Buffer.alloc(0)))).toEqual([
      ...[true, true, true, true],
    ])
  })
})
