/**
 * Slurm is stood in for by a program `scontrol` that prints what Slurm 22.05 printed to the same questions: recorded
 * answers, shortened in their middle. `test/cluster/slurm-recover` asks a real one.
 */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts'
import { createSlurmJobs, judgeJob, parseJob } from '../src/slurm-jobs.ts'

const line = (job: string, name: string, state: string, restarts: number): string =>
  `JobId=${job} JobName=${name} UserId=ada(1000) GroupId=ada(1000) MCS_label=N/A Priority=4294901759 Nice=0 Account=(null) QOS=(null) JobState=${state} Reason=None Dependency=(null) Requeue=1 Restarts=${restarts} BatchFlag=1 Reboot=0 ExitCode=0:0 RunTime=00:00:02 TimeLimit=01:00:00 TimeMin=N/A SubmitTime=2026-11-21T08:33:39 Partition=main NodeList=node1 Command=(null) WorkDir=/tmp StdOut=/dev/null Power= `

/** The programs that are found in this directory alone, until the test is over. */
function onlyPath(directory: string): void {
  const before = process.env.PATH
  process.env.PATH = directory
  onTestFinished(() => {
    process.env.PATH = before
  })
}

/** Puts a `scontrol` in the path; returns the file that counts its calls. */
function withScontrol(answers: Readonly<Record<string, string>>, options: { cluster?: string } = {}): string {
  const { cluster = 'fake' } = options
  const directory = temporaryDirectory()
  const calls = join(directory, 'calls')
  const cases = Object.entries(answers).map(([job, text], index) => {
    writeFileSync(join(directory, `answer${index}`), `${text}\n`)
    return `'show job ${job} -o') cat '${directory}/answer${index}' ;;`
  })
  const script = `#!/bin/sh
PATH=/usr/bin:/bin
echo "$*" >> '${calls}'
case "$*" in
'show config') printf 'Configuration data as of 2026-11-21T08:33:42\\nClusterName             = ${cluster}\\n' ;;
${cases.join('\n')}
*) echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1 ;;
esac
`
  writeFileSync(join(directory, 'scontrol'), script)
  chmodSync(join(directory, 'scontrol'), 0o755)
  onlyPath(`${directory}${delimiter}${process.env.PATH}`)
  return calls
}

describe('Slurm', () => {
  it.each([
    ['RUNNING', 'running'],
    ['COMPLETING', 'running'],
    ['SUSPENDED', 'running'],
    ['COMPLETED', 'ended'],
    ['FAILED', 'ended'],
    ['CANCELLED', 'ended'],
    ['TIMEOUT', 'ended'],
    ['PREEMPTED', 'ended'],
    ['OUT_OF_MEMORY', 'ended'],
    // The node that was lost may go on to work.
    ['NODE_FAIL', 'unknown'],
    ['PENDING', 'unknown'],
    ['SOMETHING_NEW', 'unknown'],
  ])('says %s of a job, which means %s', async (word, verdict) => {
    withScontrol({ 12: line('12', 'my job', word, 0) })
    const jobs = createSlurmJobs()
    expect(await jobs.describe({ jobId: '12', cluster: 'fake' })).toEqual({ verdict, word })
    expect(await jobs.judge({ jobId: '12', cluster: 'fake' })).toBe(verdict)
  })

  it('knows a job that was started again: who ran in it before is dead', async () => {
    withScontrol({ 12: line('12', 'wrap', 'RUNNING', 2), 13: line('13', 'wrap', 'PENDING', 1) })
    const jobs = createSlurmJobs()
    expect(await jobs.judge({ jobId: '12', cluster: 'fake', restartCount: 1 })).toBe('ended')
    expect(await jobs.judge({ jobId: '12', cluster: 'fake', restartCount: 2 })).toBe('running')
    expect(await jobs.judge({ jobId: '13', cluster: 'fake' })).toBe('ended')
  })

  it('has counted a restart already while it ends what ran before', async () => {
    withScontrol({ 12: line('12', 'wrap', 'COMPLETING', 1) })
    expect(await createSlurmJobs().judge({ jobId: '12', cluster: 'fake' })).toBe('running')
  })

  it('has forgotten a job that ended long ago', async () => {
    withScontrol({})
    expect(await createSlurmJobs().judge({ jobId: '99', cluster: 'fake' })).toBe('ended')
  })

  it('answers with a line for each job of an array', async () => {
    const pending = line('3', 'ArrayTaskId=2-3%1', 'PENDING', 0)
    withScontrol({ 3: `${line('5', 'a', 'RUNNING', 0)}\n${pending}`, 5: line('5', 'a', 'RUNNING', 0) })
    const jobs = createSlurmJobs()
    expect(await jobs.judge({ jobId: '5', cluster: 'fake' })).toBe('running')
    expect(await jobs.judge({ jobId: '3', cluster: 'fake' })).toBe('unknown')
  })

  it('knows nothing of the jobs of another cluster, nor of one whose cluster is not known', async () => {
    const calls = withScontrol({ 12: line('12', 'wrap', 'COMPLETED', 0) }, { cluster: 'other' })
    const jobs = createSlurmJobs()
    expect(await jobs.judge({ jobId: '12', cluster: 'fake' })).toBe('unknown')
    expect(await jobs.judge({ jobId: '12' })).toBe('unknown')
    expect(readFileSync(calls, 'utf8')).toBe('show config\n')
  })

  it('is not asked about what is no number', async () => {
    const calls = withScontrol({})
    for (const jobId of ['', '-o', '12;ls', '1 2', 'all'])
      expect(await createSlurmJobs().judge({ jobId, cluster: 'fake' })).toBe('unknown')
    expect(existsSync(calls)).toBe(false)
  })

  it('is asked once in a while about one job', async () => {
    const calls = withScontrol({ 12: line('12', 'wrap', 'RUNNING', 0) })
    const jobs = createSlurmJobs()
    const job = { jobId: '12', cluster: 'fake' }
    await Promise.all([jobs.judge(job), jobs.judge(job), jobs.judge({ ...job, restartCount: 1 })])
    await jobs.judge(job)
    expect(readFileSync(calls, 'utf8')).toBe('show config\nshow job 12 -o\n')
  })

  it('need not be there', async () => {
    onlyPath(temporaryDirectory())
    expect(await createSlurmJobs().judge({ jobId: '12', cluster: 'fake' })).toBe('unknown')
  })
})

describe('an answer of Slurm', () => {
  const answer = { exitCode: 0, stdout: '', stderr: '' }

  it('says nothing if the controller can’t be reached, or speaks another language', () => {
    const lost = 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n'
    expect(parseJob({ ...answer, exitCode: 1, stderr: lost }, '12')).toBeUndefined()
    expect(
      parseJob({ ...answer, exitCode: 'killed', stdout: line('12', 'a', 'RUNNING', 0) }, '12'),
    ).toBeUndefined()
    for (const stdout of ['', '{}', 'No jobs in the system\n', line('120', 'a', 'COMPLETED', 0)])
      expect(parseJob({ ...answer, stdout }, '12')).toBeUndefined()
  })

  it('is not misled by the name of a job', () => {
    const stdout = line('12', 'JobState=COMPLETED Restarts=7 x', 'RUNNING', 0)
    const job = parseJob({ ...answer, stdout }, '12')
    expect(job).toEqual({ state: 'RUNNING', restartCount: 0 })
    expect(judgeJob({ state: 'RUNNING', restartCount: 0 }, { jobId: '12' })).toBe('running')
  })
})
