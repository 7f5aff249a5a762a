import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { countStates, runProgram, startProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

const LAUNCHER = `'${process.execPath}' '${join(import.meta.dirname, '../support/process-launcher.mjs')}' 1`
const launched = ['run', '--launcher', LAUNCHER, '-j', '1']

describe('run --launcher', () => {
  it('starts the ranks again when one dies, until every task has ended once', async () => {
    const cwd = temporaryDirectory()
    // The end of one is written down while the next one starts; a kill before that would have it run again.
    const kill = 'until grep -qx DONE mpibatch.out/*/state; do sleep 0.01; done; kill -9 $PPID'
    const script = `echo {} >> ends; test {} != b || test $MPIBATCH_ATTEMPT -gt 1 || (${kill})`
    const ended = await runProgram([...launched, '--json', '-c', script, '-a', '-'], {
      cwd,
      input: 'a\nb\nc\n',
    })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ DONE: 3 })
    expect(JSON.parse(ended.stdout)).toMatchObject({ tasks: 3, done: 3, exitCode: 0 })
    expect(readFileSync(join(cwd, 'ends'), 'utf8')).toBe('a\nb\nb\nc\n')
    expect(ended.stderr).toMatch(
      /A rank or a node was lost.*exit code 137.*Starting again in [\d.]+ s \(1 of 3\)/,
    )
    expect(ended.stderr).not.toMatch(/mpibatch-[0-9a-f]{24}/)
  })

  it('gives up when ranks die too often, and says how to go on', async () => {
    const cwd = temporaryDirectory()
    const ended = await runProgram(
      [...launched, '--restarts', '1', '-c', 'echo {} >> starts; kill -9 $PPID', ':::', 'a'],
      { cwd },
    )
    expect(ended.exitCode, ended.stderr).toBe(3)
    expect(ended.stderr).toMatch(/started again 1 time\. Run the same line again/)
    expect(readFileSync(join(cwd, 'starts'), 'utf8')).toBe('a\na\n')
  })

  it('ends as the run ends, without starting again', async () => {
    const cwd = temporaryDirectory()
    const failed = await runProgram([...launched, '-c', 'false', ':::', 'a'], { cwd })
    expect(failed.exitCode, failed.stderr).toBe(1)
    const wrong = await runProgram([...launched, '-c', 'true {nothing}', ':::', 'a'], { cwd })
    expect(wrong.exitCode, wrong.stderr).toBe(2)
    expect(failed.stderr + wrong.stderr).not.toContain('Starting again')
    const unable = await runProgram(['run', '--launcher', 'false -n 4', '-c', 'true', ':::', 'a'], { cwd })
    expect(unable.exitCode, unable.stderr).toBe(3)
    expect(unable.stderr).toContain('before a rank had started')
    const missing = await runProgram(['run', '--launcher', 'no-such', '-c', 'true', ':::', 'a'], { cwd })
    expect(missing.exitCode, missing.stderr).toBe(2)
  })

  it('hands on the first signal to finish what runs, and the second to give it back', async () => {
    const cwd = temporaryDirectory()
    const script = 'echo {} >> started; while test ! -e go; do sleep 0.05; done'
    const line = [...launched, '-c', script, ':::', 'a', 'b']
    const once = startProgram(line, { cwd })
    await waitUntil(() => textOf(cwd, 'started') === 'a\n')
    once.child.kill('SIGINT')
    await waitUntil(() => once.stderr().includes('Stop: finishing what runs'))
    writeFileSync(join(cwd, 'go'), '')
    expect((await once.ended).exitCode).toBe(130)
    expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ DONE: 1 })
    expect(once.stderr()).toContain('1 of 2 tasks DONE, 1 OPEN')
    const twice = startProgram(
      [...launched, '--root', 'other', '-c', 'echo {} >> again; sleep 60', ':::', 'a'],
      { cwd },
    )
    await waitUntil(() => textOf(cwd, 'again') === 'a\n')
    twice.child.kill('SIGTERM')
    await waitUntil(() => twice.stderr().includes('Stop: finishing what runs'))
    twice.child.kill('SIGTERM')
    expect((await twice.ended).exitCode).toBe(143)
    expect(countStates(join(cwd, 'other'))).toEqual({ OPEN: 1 })
  })

  it('leaves out hosts that the ranks found silent', async () => {
    const cwd = temporaryDirectory()
    const mpirun = join(cwd, 'mpirun')
    // The first start loses node2; the second one runs what it was given.
    writeFileSync(
      mpirun,
      `#!/bin/sh
echo "$1 $2 $3 $4 lost=$MPIBATCH_LOST_HOSTS" >> starts
shift 4
case $MPIBATCH_LOST_HOSTS in
  '') for word; do case $word in mpibatch-*) echo "$word started" >&2; echo "$word lost node2" >&2;; esac; done; sleep 60;;
  *) exec "$@";;
esac
`,
    )
    chmodSync(mpirun, 0o755)
    const ended = await runProgram(
      ['run', '--launcher', `${mpirun} -np 4 -H node1:2,node2:2`, '-c', 'true', ':::', 'a'],
      { cwd },
    )
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(textOf(cwd, 'starts')).toBe('-np 4 -H node1:2,node2:2 lost=\n-np 2 -H node1:2 lost=node2\n')
    expect(ended.stderr).toMatch(/leaves out node2/)
  })
})

function textOf(...path: string[]): string {
  try {
    return readFileSync(join(...path), 'utf8')
  } catch {
    return ''
  }
}
