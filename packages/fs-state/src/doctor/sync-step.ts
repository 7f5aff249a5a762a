/** Step 5: whether files and directories can be synced, and how long that takes. */
import { type DoctorContext, JOB_MS_MAX, makeStepDirectory } from './context.ts'
import type { Cost } from './jobs/cost-jobs.ts'
import type { Finding, StepOutcome } from './report.ts'

const BUDGET_MS = 1000
/** Above this, syncing is what a run of short tasks waits for. */
const SLOW_US = 20_000
/** What a file system answers that knows no sync of directories; the store passes over it. */
const NO_DIRECTORY_SYNC = new Set(['EINVAL', 'ENOTSUP'])

/** Measures syncs. */
export async function checkSync(context: DoctorContext): Promise<StepOutcome> {
  const directory = await makeStepDirectory(context, 'sync')
  return judgeSync(await context.agents[0].ask('timeSync', { directory, budgetMs: BUDGET_MS }, JOB_MS_MAX))
}

/** Judges syncs. */
export function judgeSync(costs: { readonly file: Cost; readonly directory: Cost }): StepOutcome {
  const findings: Finding[] = []
  const { file, directory } = costs
  if (file.code !== '') {
    findings.push({
      code: 'no-file-sync',
      severity: 'unsafe',
      message: `A file can't be synced: ${file.code}. A result that is reported might be lost in a power cut.`,
      advice: 'Choose another file system, or run with --durability none and keep in mind what that means.',
    })
  }
  if (NO_DIRECTORY_SYNC.has(directory.code)) {
    findings.push({
      code: 'no-directory-sync',
      severity: 'note',
      message: `Directories can't be synced (${directory.code}); the file system is trusted to keep names by itself.`,
    })
  } else if (directory.code !== '') {
    findings.push({
      code: 'directory-sync-fails',
      severity: 'unsafe',
      message: `A directory can't be synced: ${directory.code}. Every result would end with this error.`,
      advice: 'Choose another file system, or run with --durability none and keep in mind what that means.',
    })
  }
  if (file.microseconds !== undefined) {
    const both =
      directory.microseconds === undefined ? '' : `, that of a directory ${inMs(directory.microseconds)}`
    findings.push({
      code: 'tested',
      severity: 'ok',
      message: `A sync of a file takes ${inMs(file.microseconds)}${both}.`,
    })
  }
  const slowest = Math.max(file.microseconds ?? 0, directory.microseconds ?? 0)
  if (slowest > SLOW_US) {
    findings.push({
      code: 'slow-sync',
      severity: 'note',
      message: `A sync takes ${Math.round(slowest / 1000)} ms, and each task needs two.`,
      advice: 'For many tasks that take less than a second, more slots hide the waiting.',
    })
  }
  return { findings, measured: { ...costs } }
}

function inMs(microseconds: number): string {
  return `${(microseconds / 1000).toFixed(2)} ms`
}
