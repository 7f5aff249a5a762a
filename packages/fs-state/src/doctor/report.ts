/** What `mpibatch doctor` says (pure types); `docs/doctor.md` describes each step and the JSON that it prints. */
import type { EventMedium } from '../event-token.ts'
import type { LivenessTimings } from '../liveness-timings.ts'
import type { FileSystemIdentity, RootUse } from '../saved-verdict.ts'

/** How bad a finding is: of no consequence, worth knowing, limiting, or a reason to keep no task root there. */
export type Severity = 'ok' | 'note' | 'degraded' | 'unsafe'

/** One thing that was found. */
export interface Finding {
  /** Stable name, `double-winners`; `docs/doctor.md` lists them. */
  readonly code: string
  readonly severity: Severity
  /** What was found, a sentence. */
  readonly message: string
  /** What to do about it, a sentence. */
  readonly advice?: string
  /** Set where one instance may work on the root, but not two at once. */
  readonly singleInstance?: true
}

/** How one step went. */
export interface StepReport {
  /** From 1, as in `docs/doctor.md`. */
  readonly step: number
  readonly name: string
  readonly durationMs: number
  readonly findings: readonly Finding[]
  /** What was measured, as plain data. */
  readonly measured: Readonly<Record<string, unknown>>
}

/** What a step finds: {@link StepReport} without what every step has. */
export type StepOutcome = Pick<StepReport, 'findings' | 'measured'>

/** What follows from all findings. */
export interface Verdict {
  readonly verdict: 'ok' | 'degraded' | 'unsafe'
  readonly use: RootUse
  readonly sharing: 'local' | 'coherent' | 'cached'
  readonly medium: EventMedium
  readonly claimSync: boolean
  /** The times to use; they are what a run takes by itself, unless a longer delay was measured. */
  readonly liveness: LivenessTimings
  /** The longest delay until a change was seen on the peer, milliseconds; `null` without a peer. */
  readonly visibilityMs: number | null
  /** One sentence. */
  readonly advice: string
}

/** Everything that the doctor says about a directory. */
export interface DoctorReport extends Verdict {
  readonly format: 'mpibatch doctor'
  readonly version: 1
  /** The directory, absolute, without symbolic links. */
  readonly directory: string
  readonly host: string
  readonly peer: string | null
  /** Start, ISO 8601, UTC. */
  readonly date: string
  readonly durationMs: number
  readonly fileSystem: FileSystemIdentity
  /** Whether the verdict was written into the root, where runs read it. */
  readonly saved: boolean
  readonly steps: readonly StepReport[]
}

/** Order of severities, the worst last. */
const SEVERITIES: readonly Severity[] = ['ok', 'note', 'degraded', 'unsafe']

/** The worst severity among findings; `ok` if there are none. */
export function worstOf(findings: readonly Finding[]): Severity {
  return findings.reduce<Severity>(
    (worst, { severity }) => (SEVERITIES.indexOf(severity) > SEVERITIES.indexOf(worst) ? severity : worst),
    'ok',
  )
}
