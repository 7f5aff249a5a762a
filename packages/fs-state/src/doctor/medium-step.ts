/** Step 4: what an event costs in each of the three ways, how many links a file takes, and whether they cross directories. */
import { type EventMedium, TOKEN_LINKS_MAX } from '../event-token.ts'
import { type DoctorContext, JOB_MS_MAX, makeStepDirectory } from './context.ts'
import type { Cost, LinkLimit } from './jobs/cost-jobs.ts'
import type { Finding, StepOutcome } from './report.ts'

const TIMING_BUDGET_MS = 500
const LINKS_BUDGET_MS = 2000
/** Links are preferred although symbolic links are a little faster: they cost no inode, and their text is synced before. */
const PREFERENCE = 3
/** Below this a token would be replaced all the time. */
const LINKS_MIN = 100

/** What was measured. */
export interface MediumMeasurement {
  readonly costs: Readonly<Record<EventMedium, Cost>>
  readonly limit: LinkLimit
  /** Empty, or the code with which a link into another directory fails. */
  readonly acrossCode: string
}

/** Measures events. */
export async function checkMedia(
  context: DoctorContext,
): Promise<StepOutcome & { readonly medium: EventMedium }> {
  const [agent] = context.agents
  const directory = await makeStepDirectory(context, 'media')
  const costs = await agent.ask('timeMedia', { directory, budgetMs: TIMING_BUDGET_MS }, JOB_MS_MAX)
  const bounds = { directory, countMax: TOKEN_LINKS_MAX + 1, budgetMs: LINKS_BUDGET_MS }
  const limit = await agent.ask('countLinks', bounds, JOB_MS_MAX)
  const acrossCode = await agent.ask('linkAcross', { directory }, JOB_MS_MAX)
  return judgeMedia({ costs, limit, acrossCode })
}

/** Chooses how events are made. */
export function judgeMedia(measured: MediumMeasurement): StepOutcome & { readonly medium: EventMedium } {
  const { costs, limit, acrossCode } = measured
  const findings: Finding[] = []
  const linksWork = costs.link.code === '' && acrossCode === ''
  const symlinksWork = costs.symlink.code === ''
  const link = costs.link.microseconds ?? 0
  const symlink = costs.symlink.microseconds ?? 0
  const slowLinks = linksWork && symlinksWork && link > PREFERENCE * symlink
  const fewLinks = linksWork && limit.code === 'EMLINK' && limit.made < LINKS_MIN
  if (costs.link.code === '' && acrossCode !== '') {
    findings.push({
      code: 'no-links-across',
      severity: 'note',
      message: `Links from one directory into another are refused (${acrossCode}), so events are made in another way: a task costs 2 inodes more.`,
    })
  }
  if (slowLinks) {
    findings.push({
      code: 'slow-links',
      severity: 'note',
      message: `A link takes ${link} µs and a symbolic link ${symlink} µs, so events are made as symbolic links: a task costs 2 inodes more.`,
    })
  }
  if (linksWork && limit.code === 'EMLINK' && limit.made < TOKEN_LINKS_MAX) {
    findings.push({
      code: 'few-links',
      severity: 'note',
      message: `A file takes ${limit.made} links, so tokens are replaced more often than elsewhere.`,
    })
  }
  const useLinks = linksWork && !slowLinks && !fewLinks
  return {
    findings,
    measured: { ...measured },
    medium: useLinks ? 'link' : symlinksWork ? 'symlink' : 'file',
  }
}
