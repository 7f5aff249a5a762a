/** Step 10: trouble among the tasks, where the directory is a task root. */
import type { TaskTrouble, TreeReading } from './jobs/tree-jobs.ts'
import type { Finding, Severity, StepOutcome } from './report.ts'

interface TroubleText {
  readonly severity: Severity
  readonly message: (count: number) => string
  readonly advice: string
}

const tasks = (count: number): string => (count === 1 ? '1 task' : `${count} tasks`)

const TEXTS: Readonly<Record<TaskTrouble, TroubleText>> = {
  invalid: {
    severity: 'degraded',
    message: (count) => `${tasks(count)} with a state file that can't be understood`,
    advice: 'Write OPEN, DONE or FAILED and a newline into a new file named state in their directories.',
  },
  foreign: {
    severity: 'note',
    message: (count) => `${tasks(count)} RUNNING by a program that takes no claims`,
    advice: 'If nothing runs them any more, "mpibatch recover --force" opens them.',
  },
  'unreadable-event': {
    severity: 'degraded',
    message: (count) => `${tasks(count)} whose last event can't be read, so that nobody knows who runs them`,
    advice: 'If nothing runs them any more, "mpibatch recover --force" opens them.',
  },
  overwritten: {
    severity: 'note',
    message: (count) => `${tasks(count)} with OPEN written over a result, which stands`,
    advice: '"mpibatch rerun" opens them.',
  },
  'dead-owner': {
    severity: 'note',
    message: (count) => `${tasks(count)} of instances that are dead`,
    advice: 'The next run takes them; --repair opens them now.',
  },
  'unfinished-result': {
    severity: 'note',
    message: (count) => `${tasks(count)} with a result that their owner died before showing`,
    advice: 'The next run completes them without running them; --repair does it now.',
  },
  'orphan-payload': {
    severity: 'note',
    message: (count) => `${tasks(count)} with a payload of an instance that is over`,
    advice: 'Whoever claims them next removes it; it harms nobody.',
  },
}

/** What `--repair` did. */
export interface RepairReport {
  readonly repaired: readonly string[]
  /** Tasks that were left as they are, with the reason. */
  readonly left: readonly { readonly task: string; readonly reason: string }[]
}

/** Says what was found in a root, and what was repaired. */
export function judgeTree(reading: TreeReading, repair?: RepairReport): StepOutcome {
  const findings: Finding[] = []
  for (const [trouble, count] of Object.entries(reading.counts) as [TaskTrouble, number][]) {
    const { severity, message, advice } = TEXTS[trouble]
    const names = reading.examples.flatMap(({ name, trouble: its }) => (its === trouble ? [name] : []))
    const more = count > names.length ? ', …' : ''
    findings.push({
      code: trouble,
      severity,
      message: `${message(count)}: ${names.join(', ')}${more}.`,
      advice,
    })
  }
  if (reading.deadInstances.length > 0) {
    const count = reading.deadInstances.length
    findings.push({
      code: 'dead-instances',
      severity: 'note',
      message: `${count === 1 ? '1 instance has' : `${count} instances have`} died without saying so.`,
      advice: 'The next run finds that out by itself.',
    })
  }
  if (reading.looked < reading.tasks) {
    findings.push({
      code: 'partial-look',
      severity: 'note',
      message: `In the time there was, ${reading.looked} of ${reading.tasks} tasks were looked at.`,
    })
  }
  if (repair !== undefined) findings.push(...repairFindings(repair))
  const { repairable, ...measured } = reading
  return {
    findings,
    measured: { ...measured, repairable: repairable.length, ...(repair === undefined ? {} : { repair }) },
  }
}

function repairFindings({ repaired, left }: RepairReport): readonly Finding[] {
  const findings: Finding[] = [
    {
      code: 'repaired',
      severity: 'ok',
      message: `${tasks(repaired.length)} repaired${repaired.length === 0 ? '' : `: ${repaired.slice(0, 10).join(', ')}${repaired.length > 10 ? ', …' : ''}`}.`,
    },
  ]
  for (const { task, reason } of left.slice(0, 10))
    findings.push({
      code: 'not-repaired',
      severity: 'note',
      message: `${task} was left as it is: ${reason}.`,
    })
  return findings
}
