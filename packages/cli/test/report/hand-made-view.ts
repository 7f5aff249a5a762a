import type { AttemptRow, InstanceReport, TaskReport } from '@mpibatch/fs-state'
import type { ReportedView } from '../../src/report/collect-report.ts'

/** What a hand-made root holds. */
export interface HandMadeRoot {
  readonly tasks: readonly Partial<TaskReport>[]
  readonly attempts: readonly Partial<AttemptRow>[]
  readonly instances?: readonly Partial<InstanceReport>[]
}

/** A root as data: what is left out of an attempt is that of one that was done, on worker 0 of instance `a`. */
export function handMadeView({ tasks, attempts, instances = [{}] }: HandMadeRoot): ReportedView {
  const reports = tasks.map(
    (task, index): TaskReport => ({
      ...{ index, name: `t${index}`, state: 'DONE', slot: 2, attempts: 1 },
      ...task,
    }),
  )
  const rows = attempts.map(handMadeAttempt)
  return {
    tasks: function* () {
      yield* reports
    },
    knownTask: (name) => reports.find((task) => task.name === name),
    attempts: function* () {
      yield* rows
    },
    instances: () => instances.map(handMadeInstance),
  }
}

/** An attempt of task `t0` from second 0 to second 1. */
export function handMadeAttempt(row: Partial<AttemptRow>): AttemptRow {
  const { startedAtMs = 0, durationMs = 1000 } = row
  const ended = { worker: 0, attempt: 1, durationMs, endedAtMs: startedAtMs + durationMs, host: 'here' }
  return {
    ...{ task: 't0', instance: 'a', slot: 1, outcome: 'ended', startedAtMs },
    ...(row.outcome === 'unfinished' ? {} : { ...ended, state: 'DONE', reason: 'done' }),
    ...row,
  }
}

function handMadeInstance(instance: Partial<InstanceReport>): InstanceReport {
  const name = instance.instance ?? 'a'
  const facts = { instance: name, batch: name, host: 'here', pid: 7, alive: false, startedAtMs: 0 }
  return { ...facts, command: 'run -- ./work', ...instance }
}
