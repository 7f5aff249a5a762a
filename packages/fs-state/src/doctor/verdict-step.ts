/** Step 11: what follows from all findings. */
import type { EventMedium } from '../event-token.ts'
import type { FileSystemClass } from '../file-system-class.ts'
import { defaultTimings, type LivenessTimings, withVisibility } from '../liveness-timings.ts'
import type { Mount } from '../mount-table.ts'
import { type Finding, type Verdict, worstOf } from './report.ts'

/** What a verdict is made of. */
export interface VerdictInput {
  readonly findings: readonly Finding[]
  readonly fileSystem: FileSystemClass
  readonly mount: Mount | undefined
  readonly medium: EventMedium
  /** See {@link Verdict.visibilityMs}. */
  readonly visibilityMs: number | null
}

/** Draws the conclusion. */
export function judgeAll({ findings, fileSystem, mount, medium, visibilityMs }: VerdictInput): Verdict {
  const worst = worstOf(findings)
  const verdict = worst === 'unsafe' ? 'unsafe' : worst === 'degraded' ? 'degraded' : 'ok'
  const single = findings.some(({ singleInstance }) => singleInstance === true)
  const use = verdict === 'unsafe' ? 'none' : single ? 'single-instance' : 'several-instances'
  const defaults = defaultTimings(fileSystem, mount)
  const liveness = visibilityMs === null ? defaults : withVisibility(defaults, visibilityMs)
  const { sharing, claimSync } = fileSystem
  const base = { verdict, use, sharing, medium, claimSync, liveness, visibilityMs } as const
  return { ...base, advice: adviceFor(base, findings, defaults) }
}

function adviceFor(
  { verdict, use, liveness }: Omit<Verdict, 'advice'>,
  findings: readonly Finding[],
  defaults: LivenessTimings,
): string {
  const worst = findings.find(({ severity }) => severity === verdict)
  if (verdict === 'unsafe') return `Don't keep a task root here. ${worst?.advice ?? ''}`.trim()
  if (use === 'single-instance') {
    const reason = findings.find(({ singleInstance }) => singleInstance === true)
    return `Let one instance at a time work here; a second one is refused. ${reason?.advice ?? ''}`.trim()
  }
  if (verdict === 'degraded') return `A task root may lie here, within limits. ${worst?.advice ?? ''}`.trim()
  if (liveness.deadAfterMs > defaults.deadAfterMs)
    return 'A task root may lie here; instances wait longer for each other than elsewhere, since changes are seen late.'
  return 'A task root may lie here, and several instances may work on it at the same time.'
}
