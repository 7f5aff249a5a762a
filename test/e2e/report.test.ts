import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ReportData } from '../../packages/cli/src/report/report-data.ts'
import { runProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** The data in a report's file. */
function dataOf(path: string): ReportData {
  const text = readFileSync(path, 'utf8')
  const json = /<script id="data" type="application\/json">(.*?)<\/script>/s.exec(text)?.[1]
  return JSON.parse(json ?? '') as ReportData
}

/** Four tasks: two are DONE at once, one at the second try, one never. */
async function ranRoot(): Promise<string> {
  const cwd = temporaryDirectory()
  const line = 'case {}$MPIBATCH_ATTEMPT in cc1|dd*) echo "{} of 9: no licence" >&2; exit 4;; esac; echo out'
  const words = ['--retries', '1', '--retry-delay', '10ms', '-j', '2', '-c', line]
  const ended = await runProgram(['run', ...words, ':::', 'aa', 'bb', 'cc', 'dd'], { cwd })
  expect(ended.exitCode, ended.stderr).toBe(1)
  return cwd
}

describe('mpibatch report', () => {
  it('writes one file with the facts of a run, and prints its name', async () => {
    const cwd = await ranRoot()
    const ended = await runProgram(['report'], { cwd })
    expect(ended).toMatchObject({ exitCode: 0, stdout: 'mpibatch-report.html\n', stderr: '' })
    const data = dataOf(join(cwd, 'mpibatch-report.html'))
    expect(data).toMatchObject({
      ...{ root: join(cwd, 'mpibatch.out'), taskCount: 4, attemptCount: 6, checkExitCode: 1 },
      counts: { DONE: 3, FAILED: 1, OPEN: 0, RUNNING: 0, INVALID: 0 },
      verdict: 'Of 4 tasks, 3 are done; 1 failed. "mpibatch retry" opens the failed ones again.',
      wasted: { counts: { done: 3, retried: 2, failed: 1 }, repeatedTaskCount: 2 },
      timeline: { shownCount: 6, totalCount: 6 },
    })
    expect(data.failures).toMatchObject([
      {
        ...{ reason: 'exit 4', shape: 'exit code #: {value} of #: no licence' },
        ...{ attemptCount: 3, failedTaskCount: 1, task: 'task_000004' },
        logs: { stderr: 'mpibatch.out/task_000004/stderr' },
      },
    ])
    expect(data.jobs).toHaveLength(1)
    expect(data.jobs[0]?.command).toContain('--retries 1')
    expect(data.busyMs).toBeGreaterThan(0)
    expect(
      data.slowest
        .map(({ task }) => task.slice(-1))
        .toSorted()
        .join(''),
    ).toBe('123344')
  })

  it('loads nothing, and lets nothing run but what it was written with', async () => {
    const cwd = temporaryDirectory()
    mkdirSync(join(cwd, 'root/one'), { recursive: true })
    writeFileSync(join(cwd, 'root/one/state'), 'OPEN\n')
    expect(await runProgram(['report', 'root'], { cwd })).toMatchObject({ exitCode: 0 })
    expect(dataOf(join(cwd, 'mpibatch-report.html'))).toMatchObject({ taskCount: 1, attemptCount: 0 })
    expect(readdirSync(join(cwd, 'root'))).toEqual(['one'])
    const text = readFileSync(join(cwd, 'mpibatch-report.html'), 'utf8')
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(text)?.[1]
    expect(policy?.replaceAll(/'sha256-[\w+/]{43}='/g, 'DIGEST')).toBe(
      "default-src 'none'; script-src DIGEST DIGEST; style-src DIGEST DIGEST DIGEST; img-src data:; " +
        "base-uri 'none'; form-action 'none'",
    )
    expect(text).not.toMatch(/<(?:script|link|img|iframe)[^>]*(?:src|href)=/)
  })

  it('links logs from where it is written, and replaces older reports only', async () => {
    const cwd = temporaryDirectory()
    for (const folder of ['pages', 'root/d']) mkdirSync(join(cwd, folder), { recursive: true })
    writeFileSync(join(cwd, 'root/d/state'), 'FAILED\n')
    writeFileSync(join(cwd, 'root/d/stderr'), 'no licence\n')
    const report = (path: string): ReturnType<typeof runProgram> =>
      runProgram(['report', 'root', '-o', path], { cwd })
    expect((await report('pages/one.html')).exitCode).toBe(0)
    expect((await report('pages/one.html')).exitCode).toBe(0)
    expect(readdirSync(join(cwd, 'pages'))).toEqual(['one.html'])
    const link = dataOf(join(cwd, 'pages/one.html')).failures[0]?.logs.stderr ?? ''
    expect(link).toBe('../root/d/stderr')
    expect(existsSync(join(cwd, 'pages', link))).toBe(true)
    writeFileSync(join(cwd, 'notes.html'), 'mine')
    const refused = await report('notes.html')
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' })
    expect(refused.stderr).toContain('no report of mpibatch')
    expect(readFileSync(join(cwd, 'notes.html'), 'utf8')).toBe('mine')
  })
})
