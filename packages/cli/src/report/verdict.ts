import type { ReportData } from './report-data.ts'

/** Says on one or two sentences how it stands, and how to go on. */
export function verdictOf(facts: {
  readonly counts: ReportData['counts']
  readonly taskCount: number
  readonly isAtWork: boolean
  /** The words behind a command's name that name the root, as a shell reads them; empty for the default root. */
  readonly rootWords: string
}): string {
  const { counts, taskCount, isAtWork, rootWords } = facts
  if (taskCount === 0) return 'The root holds no tasks.'
  if (counts.DONE === taskCount)
    return taskCount === 1 ? 'The task is done.' : `All ${number(taskCount)} tasks are done.`
  const parts = [
    [counts.FAILED, 'failed'],
    [counts.RUNNING, isAtWork ? 'running' : 'left running by a run that is gone'],
    [counts.OPEN, 'open'],
    [counts.INVALID, 'with a state that can’t be understood'],
  ] as const
  const named = parts.filter(([count]) => count > 0).map(([count, what]) => `${number(count)} ${what}`)
  const sentences = [`Of ${number(taskCount)} tasks, ${number(counts.DONE)} are done; ${named.join(', ')}.`]
  if (isAtWork) sentences.push('A run is at work: this is how it stood.')
  else if (counts.OPEN + counts.RUNNING > 0) sentences.push('Run the same line again to go on.')
  if (!isAtWork && counts.FAILED > 0)
    sentences.push(`"${['mpibatch retry', rootWords].join(' ').trimEnd()}" opens the failed ones again.`)
  return sentences.join(' ')
}

function number(value: number): string {
  return value.toLocaleString('en')
}
