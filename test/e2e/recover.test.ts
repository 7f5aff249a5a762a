/** Owners that can't be seen from here: what `recover` finds out about them before it opens their tasks. */
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  countStates,
  type ProgramOptions,
  type Running,
  runProgram,
  startProgram,
} from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

const times = (deadAfter: string): string =>
  `heartbeat=200ms,lease=1500ms,visibility=0s,dead-after=${deadAfter}`

interface Place {
  readonly options: ProgramOptions
  readonly root: string
  readonly run: Running
}

/** A run whose only task has begun, and which looks as if it were on another machine. */
async function farAway(change: object = {}, env: Readonly<Record<string, string>> = {}): Promise<Place> {
  const cwd = temporaryDirectory()
  const options = { cwd, env: { MPIBATCH_LIVENESS: times('2s'), ...env } }
  const run = startProgram(['run', '-c', 'touch {dir}/started; sleep 600; : {}', ':::', 'a'], options)
  const root = join(cwd, 'mpibatch.out')
  await waitUntil(() => existsSync(join(root, 'task_000001/started')), { describe: run.stderr })
  const [instance = ''] = readdirSync(join(root, '.mpibatch/i'))
  const path = join(root, '.mpibatch/i', instance, 'info.json')
  const info = {
    ...JSON.parse(readFileSync(path, 'utf8')),
    pidNamespace: 'pid:[1]',
    host: 'far-away',
    ...change,
  }
  writeFileSync(`${path}.moved`, JSON.stringify(info))
  renameSync(`${path}.moved`, path)
  return { options, root, run }
}

async function kill({ run }: Place): Promise<void> {
  run.child.kill('SIGKILL')
  await run.ended
}

describe('recover', () => {
  it('opens what a silent owner had, after it has said whom it watches, and for how long', async () => {
    const place = await farAway()
    await kill(place)
    const shown = await runProgram(['recover', '--dry-run'], place.options)
    expect(shown.stdout).toBe('task_000001\tRUNNING\tif its owner shows no sign of life\n')
    const { exitCode, stderr } = await runProgram(['recover'], place.options)
    expect(stderr).toMatch(
      /Instance [0-9a-f]{16} on far-away with 1 task can't be seen from here\. .*at most 2\.0 s; "--force"/,
    )
    expect(stderr).toContain('1 task OPEN again')
    expect(exitCode).toBe(0)
    expect(countStates(place.root)).toEqual({ OPEN: 1 })
  })

  it('leaves what a living owner runs, and fails if that was named', async () => {
    const place = await farAway()
    const all = await runProgram(['recover'], place.options)
    expect(all.stderr).toContain('on far-away with 1 task lives; what it runs is left to it.')
    expect([all.exitCode, countStates(place.root)]).toEqual([0, { RUNNING: 1 }])
    expect((await runProgram(['recover', 'task_000001'], place.options)).exitCode).toBe(1)
    expect(countStates(place.root)).toEqual({ RUNNING: 1 })
  })

  it('takes it at once with --force', async () => {
    const place = await farAway({}, { MPIBATCH_LIVENESS: times('600s') })
    const { exitCode, stderr } = await runProgram(['recover', '--force'], place.options)
    expect([exitCode, countStates(place.root)], stderr).toEqual([0, { OPEN: 1 }])
    expect(stderr).not.toContain('Watching')
  })
})

/** Stands in for a cluster: a program `scontrol` that answers as Slurm 22.05 does about a cancelled job. */
function fakeScontrol(state: string): string {
  const directory = temporaryDirectory()
  const job = `JobId=12 JobName=wrap UserId=root(0) QOS=(null) JobState=${state} Reason=None Dependency=(null) Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 `
  const script = `#!/bin/sh
case "$*" in
'show config') echo 'ClusterName             = fake' ;;
'show job 12 -o') echo '${job}' ;;
*) echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1 ;;
esac
`
  writeFileSync(join(directory, 'scontrol'), script)
  chmodSync(join(directory, 'scontrol'), 0o755)
  return `${directory}:${process.env.PATH}`
}

describe('recover, and explain, for an owner in a Slurm job', () => {
  const job = { jobId: '12', cluster: 'fake', restartCount: 0 }

  it('wait for a few heartbeats only if the job has ended', async () => {
    const PATH = fakeScontrol('CANCELLED')
    const place = await farAway({ job }, { PATH, MPIBATCH_LIVENESS: times('600s') })
    await kill(place)
    const explained = await runProgram(['explain', 'task_000001'], place.options)
    expect(explained.stdout).toContain('Its Slurm job 12 is CANCELLED.')
    expect(explained.stdout).toContain('has shown no sign of life for 600 ms')
    const { exitCode, stderr } = await runProgram(['recover'], place.options)
    expect([exitCode, countStates(place.root)], stderr).toEqual([0, { OPEN: 1 }])
  })

  it('leave a job that runs to its own signs of life', async () => {
    const PATH = fakeScontrol('RUNNING')
    const place = await farAway({ job }, { PATH, MPIBATCH_LIVENESS: times('600s') })
    const { exitCode, stderr } = await runProgram(['recover'], place.options)
    expect([exitCode, countStates(place.root)], stderr).toEqual([0, { RUNNING: 1 }])
    expect(stderr).toContain('at most 10 min 00 s')
  })
})
