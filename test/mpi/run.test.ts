/** `mpirun -n 4 mpibatch run …`, as a user types it. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeMpi, type Mpi } from '../support/mpi-installations.ts'
import { jsonLines, type RanksOptions, runRanks, startRanks } from '../support/mpirun.ts'
import { countStates, PROGRAM, runProgram, startChild } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

const runOn = (mpi: Mpi, ranks: number, line: readonly string[], options: RanksOptions) =>
  runRanks(mpi, ranks, [PROGRAM, 'run', ...line], options)

const read = (...path: string[]): string => readFileSync(join(...path), 'utf8')

function countLines(path: string): number {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0
}

/** MPICH's launcher sometimes ends with 0 when it has handed on a signal, whatever its processes end with. */
function codesAfterUsr1({ family }: Mpi): readonly number[] {
  return family === 'mpich' ? [143, 0] : [143]
}

/** The ranks' own processes: those that run the program and were not started by it. */
function rankProcesses(processIds: readonly number[]): readonly number[] {
  return processIds.filter((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return words[1] === PROGRAM
    } catch {
      return false
    }
  })
}

describeMpi('a run of commands under a launcher', ['openmpi', 'mpich'], (mpi) => {
  it('runs every task once on all ranks, and rank 0 alone prints', async () => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, 'list'), Array.from({ length: 40 }, (_, index) => `v${index}\n`).join(''))
    const script = 'echo {} >> {dir}/runs; echo $MPIBATCH_GROUP {%}; sleep 0.02'
    const line = ['--json', '-a', 'list', '-c', script]
    const ended = await runOn(mpi, 4, line, { cwd })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(jsonLines(ended)).toMatchObject([{ tasks: 40, done: 40, exitCode: 0 }])
    const tasks = readdirSync(join(cwd, 'mpibatch.out')).filter((name) => name.startsWith('task'))
    const places = new Set(tasks.map((task) => read(cwd, 'mpibatch.out', task, 'stdout')))
    for (const task of tasks) expect(countLines(join(cwd, 'mpibatch.out', task, 'runs'))).toBe(1)
    expect([...places].sort()).toEqual(['0 1\n', '1 2\n', '2 3\n', '3 4\n'])
    const again = await runOn(mpi, 2, line, { cwd })
    expect(again.exitCode, again.stderr).toBe(0)
    for (const task of tasks) expect(countLines(join(cwd, 'mpibatch.out', task, 'runs'))).toBe(1)
  })

  it('prints what tasks of all ranks have printed, in their order, and logs them', async () => {
    const cwd = temporaryDirectory()
    const values = Array.from({ length: 12 }, (_, index) => String(index))
    const line = [
      '--keep-order',
      '--tag',
      '--joblog',
      'log',
      '--name',
      't{}',
      '-c',
      'echo {}; exit $(({} % 2))',
    ]
    const ended = await runOn(mpi, 3, [...line, ':::', ...values], { cwd })
    expect(ended.stdout.match(/^t.*$/gm)).toEqual(values.map((value) => `t${value}\t${value}`))
    const log = read(cwd, 'log').trimEnd().split('\n').slice(1)
    const ends = log.map((text) => text.split('\t')).map((cells) => [Number(cells[0]) - 1, Number(cells[6])])
    expect(ends.sort(([one = 0], [other = 0]) => one - other)).toEqual(
      values.map((value) => [Number(value), Number(value) % 2]),
    )
  })

  it('reads a list from standard input on rank 0, and has several slots a rank', async () => {
    const cwd = temporaryDirectory()
    const words = [PROGRAM, 'run', '--json', '-a', '-', '-j', '2', '-c', 'echo {%}; sleep 0.1; test {} != 3']
    const { launcher, env } = mpi
    const ended = await startChild(launcher, ['-n', '2', process.execPath, ...words], {
      cwd,
      env,
      input: '1\n2\n3\n4\n5\n6\n7\n8\n',
    }).ended
    expect(ended.exitCode, ended.stderr).toBe(1)
    expect(jsonLines(ended)).toMatchObject([{ tasks: 8, done: 7, failed: 1 }])
  })

  it('runs a command as every member of a group, each in its own rank', async () => {
    const cwd = temporaryDirectory()
    const script =
      'echo $MPIBATCH_GROUP_RANK of $MPIBATCH_GROUP_SIZE; case {}$MPIBATCH_GROUP_RANK in b1) exit 3;; b0) sleep 60;; esac'
    const line = ['--group-size', '2', '--group-exec', 'all', '-c', script, ':::', 'a', 'b', 'c', 'd']
    const ended = await runOn(mpi, 4, line, { cwd })
    expect(ended.exitCode, ended.stderr).toBe(1)
    expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ DONE: 3, FAILED: 1 })
    expect(read(cwd, 'mpibatch.out/task_000004/stdout')).toBe('0 of 2\n')
    expect(read(cwd, 'mpibatch.out/task_000004/stdout.1')).toBe('1 of 2\n')
    const listed = await runProgram(['list', '--state', 'failed', '--json'], { cwd })
    expect(JSON.parse(listed.stdout)).toMatchObject([
      { name: 'task_000002', message: 'member 1 of the group: exit code 3' },
    ])
  })

  it('lets tasks be MPI programs themselves', async () => {
    const cwd = temporaryDirectory()
    const program = join(cwd, 'size.mjs')
    const native = join(import.meta.dirname, '../../packages/native-mpi/dist/index.js')
    writeFileSync(
      program,
      `import { openMpiJob } from ${JSON.stringify(native)}
       const job = await openMpiJob()
       const sum = await job.communicator.allreduce(1, 'sum')
       if (job.facts.rank === 0) console.log('ranks ' + sum)
       await job.close()`,
    )
    const script = `${mpi.launcher} -n 2 ${process.execPath} ${program}; env | grep -E '^(PMI|PMIX|HYD|UCX_)'; : {}`
    const ended = await runOn(mpi, 2, ['-c', script, ':::', 'a', 'b'], { cwd })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(read(cwd, 'mpibatch.out/task_000001/stdout').replaceAll('\r', '')).toBe('ranks 2\n')
  })

  it('refuses what can not be run in one sentence, whatever finds it out', async () => {
    const cwd = temporaryDirectory()
    const refusals: readonly (readonly [readonly string[], RegExp])[] = [
      [['-c', 'true {x}', ':::', 'a'], /\{x\} is no placeholder/],
      [['--jbos', '2', '-c', 'true', ':::', 'a'], /Did you mean --jobs/],
      [['--group-size', '2', '-c', 'true', ':::', 'a'], /3 ranks don't fill groups of 2/],
      [['-a', 'missing', '-c', 'true'], /missing/],
    ]
    for (const [line, message] of refusals) {
      const ended = await runOn(mpi, 3, line, { cwd })
      expect(ended.exitCode, ended.stderr).toBe(2)
      expect(ended.stderr.match(new RegExp(message, 'g'))).toHaveLength(1)
    }
    const other = mpi.family === 'openmpi' ? 'libmpich.so.12' : 'libmpi.so.40'
    const alone = await runOn(mpi, 3, ['-c', 'true', ':::', 'a'], { cwd, env: { MPIBATCH_LIBMPI: other } })
    expect(alone.exitCode, alone.stderr).toBe(3)
    expect(alone.stderr.match(/this job has 3 ranks, but .* finds 1/g)).toHaveLength(1)
    expect(existsSync(join(cwd, 'mpibatch.out'))).toBe(false)
    const file = await runOn(mpi, 2, ['--root', PROGRAM, '-c', 'true', ':::', 'a'], { cwd })
    expect(file.exitCode, file.stderr).toBe(3)
    expect(file.stderr.match(/^mpibatch: /gm)).toHaveLength(1)
  })

  it('stops on all ranks when one is told to, and gives back what a second signal ends', async () => {
    const cwd = temporaryDirectory()
    const script = 'echo {} >> started; while test ! -e go; do sleep 0.05; done; sleep 0.02'
    // The others hear of it a moment later: there is work for longer.
    const first = startRanks(mpi, 3, [PROGRAM, 'run', '--json', '--array', '1-500', '-c', script], { cwd })
    await waitUntil(() => countLines(join(cwd, 'started')) === 3)
    const [rank = 0] = rankProcesses(first.processIds()).slice(-1)
    process.kill(rank, 'SIGTERM')
    await waitUntil(() => first.stderr().includes('SIGTERM: finishing what runs'))
    writeFileSync(join(cwd, 'go'), '')
    const drained = await first.ended
    expect(drained.exitCode, drained.stderr).toBe(143)
    const [summary] = jsonLines<{ done: number; open: number; stoppedBy: string }>(drained)
    expect(summary?.stoppedBy).toBe('SIGTERM')
    expect(summary?.open).toBeGreaterThan(0)
    expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ DONE: summary?.done })
    expect(countLines(join(cwd, 'started'))).toBe(summary?.done)

    const again = [
      PROGRAM,
      'run',
      '--json',
      '--root',
      'b',
      '-c',
      'echo {} >> other; sleep 60',
      ':::',
      'a',
      'b',
    ]
    const second = startRanks(mpi, 2, again, { cwd })
    await waitUntil(() => countLines(join(cwd, 'other')) === 2)
    // Launchers hand this one on to all ranks.
    second.child.kill('SIGUSR1')
    await waitUntil(() => second.stderr().includes('SIGUSR1: finishing what runs'))
    second.child.kill('SIGUSR1')
    const interrupted = await second.ended
    expect(codesAfterUsr1(mpi), interrupted.stderr).toContain(interrupted.exitCode)
    expect(jsonLines(interrupted)).toMatchObject([{ open: 2, stoppedBy: 'SIGUSR1', exitCode: 143 }])
    expect(countStates(join(cwd, 'b'))).toEqual({ OPEN: 2 })
  })

  it('halts on all ranks when enough tasks have failed', async () => {
    const cwd = temporaryDirectory()
    const line = ['--fail-fast', '--json', '-c', 'test {} != 0 && sleep 60', ':::', '0', '1', '2', '3']
    const ended = await runOn(mpi, 3, line, { cwd })
    expect(ended.exitCode, ended.stderr).toBe(1)
    expect(jsonLines(ended)).toMatchObject([{ failed: 1, open: 3, stoppedBy: 'halt' }])
  })

  it('that loses a rank ends within 5 s and goes on when it is run again', async () => {
    const cwd = temporaryDirectory()
    const script = 'echo {} >> started; while test ! -e go; do sleep 0.05; done'
    const words = [PROGRAM, 'run', '-c', script, ':::', 'a', 'b', 'c', 'd']
    const lost = startRanks(mpi, 2, words, { cwd })
    await waitUntil(() => countLines(join(cwd, 'started')) === 2)
    const [rank = 0] = rankProcesses(lost.processIds()).slice(-1)
    const killedAtMs = performance.now()
    process.kill(rank, 'SIGKILL')
    const ended = await lost.ended
    expect(ended.exitCode, ended.stderr).not.toBe(0)
    expect(performance.now() - killedAtMs).toBeLessThan(5000)
    await waitUntil(() => lost.processIds().length === 0)
    writeFileSync(join(cwd, 'go'), '')
    const again = await runRanks(mpi, 2, words, { cwd })
    expect(again.exitCode, again.stderr).toBe(0)
    expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ DONE: 4 })
  })

  it('goes on by itself after the loss of a rank where --launcher started it', async () => {
    const cwd = temporaryDirectory()
    const script =
      'echo {} >> {dir}/runs; sleep 0.1; test {} != 3 || test $MPIBATCH_ATTEMPT -gt 1 || kill -9 $PPID'
    const launcher = `${mpi.launcher} -n 3`
    const ended = await runProgram(['run', '--launcher', launcher, '--json', '-c', script, '-a', '-'], {
      cwd,
      env: mpi.env,
      input: Array.from({ length: 12 }, (_, index) => `${index}\n`).join(''),
    })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(ended.stderr).toMatch(/Starting again in .* \(1 of 3\)/)
    expect(ended.stderr).not.toMatch(/mpibatch-[0-9a-f]{24}/)
    expect(jsonLines(ended)).toMatchObject([{ done: 12 }])
    expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ DONE: 12 })
    expect(countLines(join(cwd, 'mpibatch.out/task_000004/runs'))).toBe(2)
  })

  it('of --launcher stops as a run on one machine does', async () => {
    const cwd = temporaryDirectory()
    const script = 'echo {} >> started; while test ! -e go; do sleep 0.05; done'
    const line = ['run', '--launcher', `${mpi.launcher} -n 2`, '--json', '-c', script]
    const run = startChild(process.execPath, [PROGRAM, ...line, ':::', 'a', 'b', 'c'], { cwd, env: mpi.env })
    await waitUntil(() => countLines(join(cwd, 'started')) === 2)
    run.child.kill('SIGINT')
    await waitUntil(() => run.stderr().includes('Stop: finishing what runs'))
    writeFileSync(join(cwd, 'go'), '')
    const ended = await run.ended
    expect(ended.exitCode, ended.stderr).toBe(130)
    expect(jsonLines(ended)).toMatchObject([{ done: 2, open: 1 }])
  })
})

describeMpi('a job script of mpibatch run under a launcher', ['openmpi', 'mpich'], (mpi) => {
  const script = (cwd: string, text: string): string => {
    const path = join(cwd, 'job.mjs')
    const library = join(import.meta.dirname, '../../packages/cli/dist/index.js')
    writeFileSync(path, `import { openBatch } from ${JSON.stringify(library)}\n${text}`)
    return path
  }

  it('runs in groups, with the tasks and options of the command line', async () => {
    const cwd = temporaryDirectory()
    const path = script(
      cwd,
      `async function main() {
         const batch = await openBatch()
         await batch.run(async (task, group) => {
           const sum = await group.allreduce(Number(task.values['1']), 'sum')
           if (sum !== 2 * Number(task.values['1'])) throw new Error('sum ' + sum)
         })
         await batch.close()
       }
       main() // Nobody awaits it.`,
    )
    const ended = await runOn(mpi, 4, ['--json', '--group-size', '2', path, ':::', '1', '2', '3'], { cwd })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(jsonLines(ended)).toMatchObject([{ tasks: 3, done: 3 }])
  })

  it.each([
    ['throws', 'throw new TypeError("oops")'],
    ['fails later', 'setTimeout(() => { throw new TypeError("oops") }, 10); await new Promise(() => {})'],
  ])('that %s on one rank ends the job within 5 s, with its stack', async (_what, text) => {
    const cwd = temporaryDirectory()
    const path = script(
      cwd,
      `const batch = await openBatch({ tasks: ['a', 'b'] })
       if (batch.communicator.rank === 1) { ${text} }
       await batch.run(() => new Promise((resolve) => setTimeout(resolve, 20000)))
       await batch.close()`,
    )
    const startMs = performance.now()
    const ended = await runOn(mpi, 3, [path], { cwd })
    expect(ended.exitCode, ended.stderr).toBe(1)
    expect(ended.stderr).toMatch(/rank 1.*TypeError: oops[\s\S]*job\.mjs/)
    expect(performance.now() - startMs).toBeLessThan(8000)
  })

  it('that ends on one rank without closing its batch is ended, with a sentence', async () => {
    const cwd = temporaryDirectory()
    const path = script(
      cwd,
      `const batch = await openBatch({ tasks: ['a', 'b'] })
       await batch.run(() => undefined)
       if (batch.communicator.rank !== 1) await batch.close()`,
    )
    const ended = await runOn(mpi, 3, [path], { cwd })
    expect(ended.exitCode, ended.stderr).toBe(1)
    expect(ended.stderr).toContain('rank 1: The job script ended here without closing what it has opened')
  })

  it('drains at a signal', async () => {
    const cwd = temporaryDirectory()
    const path = script(
      cwd,
      `import { existsSync, appendFileSync } from 'node:fs'
       const tasks = Array.from({ length: 300 }, (_, index) => 't' + index)
       const batch = await openBatch({ tasks, root: 'out' })
       await batch.run(async (task) => {
         appendFileSync('started', task.name + '\\n')
         while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 20))
         await new Promise((resolve) => setTimeout(resolve, 20))
       })
       await batch.close()`,
    )
    const run = startRanks(mpi, 2, [PROGRAM, 'run', '--json', path], { cwd })
    await waitUntil(() => countLines(join(cwd, 'started')) === 2)
    run.child.kill('SIGUSR1')
    await waitUntil(() => run.stderr().includes('finishing what runs'))
    writeFileSync(join(cwd, 'go'), '')
    const ended = await run.ended
    expect(codesAfterUsr1(mpi), ended.stderr).toContain(ended.exitCode)
    const [summary] = jsonLines<{ done: number; open: number }>(ended)
    expect(summary).toMatchObject({ stoppedBy: 'SIGUSR1', exitCode: 143 })
    expect(summary?.open).toBeGreaterThan(0)
    expect(countLines(join(cwd, 'started'))).toBe(summary?.done)
  })

  it('is ended by a second signal while its tasks run, and they are taken over at once', async () => {
    const cwd = temporaryDirectory()
    const path = script(
      cwd,
      `import { existsSync, appendFileSync } from 'node:fs'
       const batch = await openBatch({ tasks: ['a', 'b', 'c'], root: 'out' })
       await batch.run(async (task) => {
         appendFileSync('started', task.name + '\\n')
         while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 20))
       })
       await batch.close()`,
    )
    const words = [PROGRAM, 'run', '--json', path]
    const first = startRanks(mpi, 2, words, { cwd })
    await waitUntil(() => countLines(join(cwd, 'started')) === 2)
    first.child.kill('SIGUSR1')
    await waitUntil(() => first.stderr().includes('finishing what runs'))
    first.child.kill('SIGUSR1')
    const ended = await first.ended
    expect(codesAfterUsr1(mpi), ended.stderr).toContain(ended.exitCode)
    expect(ended.stderr).toContain('The job script was interrupted. Run the same line again to go on.')
    writeFileSync(join(cwd, 'go'), '')
    const again = await runRanks(mpi, 2, words, { cwd })
    expect(again.exitCode, again.stderr).toBe(0)
    expect(jsonLines(again)).toMatchObject([{ tasks: 3, done: 3 }])
  })
})
