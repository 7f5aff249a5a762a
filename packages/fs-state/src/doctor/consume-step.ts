/** Step 3: processes take the same names away; and a file is replaced while others read it. */
import { type DoctorContext, JOB_MS_MAX, makeStepDirectory } from './context.ts'
import { CONSUME_OPERATIONS, type ConsumeOperation, type ReplaceReadings } from './jobs/consume-jobs.ts'
import type { Finding, StepOutcome } from './report.ts'

const NAMES_MAX = 1000
const BATCH = 20
const OPERATION_BUDGET_MS = 1000
const REPLACE_MS = 700
/** Processes that read while one writes. */
const READERS_MAX = 4

/** What came of an operation. */
export interface ConsumeJudgement {
  readonly names: number
  /** Names that several processes believe to have taken. */
  readonly double: number
  /** Names that nobody believes to have taken, although they are gone. */
  readonly ownerless: number
  /** Names under which the taken things are found, if there should be as many as there were. */
  readonly found: number
  /** Codes that losers got instead of ENOENT, with their number. */
  readonly oddCodes: Readonly<Record<string, number>>
}

/** Lets all processes take the same names, then replaces a file under the eyes of readers. */
export async function checkRename(context: DoctorContext): Promise<StepOutcome> {
  const { agents } = context
  const measured: Partial<Record<ConsumeOperation, ConsumeJudgement>> = {}
  for (const operation of CONSUME_OPERATIONS) {
    const directory = await makeStepDirectory(context, operation)
    const end = performance.now() + OPERATION_BUDGET_MS
    const names: (readonly string[])[] = []
    while (names.length < NAMES_MAX && (names.length === 0 || performance.now() < end)) {
      const batch = { directory, operation, first: names.length, count: BATCH }
      await agents[0].ask('makeSources', batch, JOB_MS_MAX)
      const codes = await Promise.all(
        agents.map((agent) => agent.ask('consume', { ...batch, owner: agent.name }, JOB_MS_MAX)),
      )
      for (let index = 0; index < BATCH; index += 1)
        names.push(codes.map((tried) => tried[index] ?? 'ENOANSWER'))
    }
    const found = await agents[0].ask('countNames', { directory }, JOB_MS_MAX)
    measured[operation] = judgeConsume(names, found)
  }
  const replaced = await replaceUnderReaders(context)
  return { findings: consumeFindings(measured, replaced), measured: { ...measured, replaced } }
}

async function replaceUnderReaders(
  context: DoctorContext,
): Promise<ReplaceReadings & { readonly replacements: number }> {
  const { agents } = context
  const directory = await makeStepDirectory(context, 'replace')
  const [writer] = agents
  await writer.ask('replaceFor', { directory, durationMs: 0 }, JOB_MS_MAX)
  // From the end, where the processes of the peer are.
  const readers = agents.slice(1).slice(-READERS_MAX)
  const input = { directory, durationMs: REPLACE_MS }
  const [replacements, ...readings] = await Promise.all([
    writer.ask('replaceFor', input, JOB_MS_MAX),
    ...readers.map((reader) => reader.ask('readFor', input, JOB_MS_MAX)),
  ])
  const sum = (field: 'reads' | 'absent' | 'partial' | 'stale'): number =>
    readings.reduce((total, reading) => total + reading[field], 0)
  const errors = [...new Set(readings.flatMap((reading) => reading.errors))]
  return {
    ...{
      replacements,
      reads: sum('reads'),
      absent: sum('absent'),
      partial: sum('partial'),
      stale: sum('stale'),
    },
    errors,
  }
}

/** Counts what came of an operation. @param names - For each name, the code that each process got, empty if it took it. */
export function judgeConsume(names: readonly (readonly string[])[], found: number): ConsumeJudgement {
  let double = 0
  let ownerless = 0
  const oddCodes: Record<string, number> = {}
  for (const codes of names) {
    const winners = codes.filter((code) => code === '').length
    if (winners > 1) double += 1
    if (winners === 0) ownerless += 1
    for (const code of codes) if (code !== '' && code !== 'ENOENT') oddCodes[code] = (oddCodes[code] ?? 0) + 1
  }
  return { names: names.length, double, ownerless, found, oddCodes }
}

/** What the counts mean. */
export function consumeFindings(
  counts: Partial<Record<ConsumeOperation, ConsumeJudgement>>,
  replaced: ReplaceReadings,
): readonly Finding[] {
  const findings: Finding[] = []
  for (const operation of CONSUME_OPERATIONS) {
    const count = counts[operation]
    if (count !== undefined) findings.push(...findingsOf(operation, count))
  }
  const { reads, absent, partial, stale, errors } = replaced
  if (absent > 0) {
    findings.push({
      code: 'briefly-absent',
      severity: 'degraded',
      message: `A file that was replaced by renaming was missing for a moment, ${absent} times of ${reads} readings.`,
      advice:
        'Runs look at the events as well and are not misled; let no other program work on the same tasks.',
    })
  }
  if (partial > 0) {
    findings.push({
      code: 'torn-replacement',
      severity: 'unsafe',
      message: `A file that was replaced by renaming showed something else than its old or its new text, ${partial} times of ${reads} readings.`,
      advice: 'Keep the task root on another file system; outputs of tasks may lie here.',
    })
  }
  if (stale > 0) {
    findings.push({
      code: 'stale-handles',
      severity: 'note',
      message: `${stale} of ${reads} readings of a file that was replaced ended with ESTALE; the store reads again then.`,
    })
  }
  if (errors.length > 0) {
    findings.push({
      code: 'reading-fails',
      severity: 'degraded',
      message: `Reading a file while it is replaced failed with ${errors.join(', ')}.`,
      advice: 'Runs may end with that error; run the same line again.',
    })
  }
  return findings
}

function findingsOf(operation: ConsumeOperation, count: ConsumeJudgement): readonly Finding[] {
  const findings: Finding[] = []
  const verb = operation === 'rename' ? 'renamed' : 'removed'
  const expected = operation === 'rename' ? count.names : 0
  const failed = count.ownerless === count.names && Object.keys(count.oddCodes).length > 0
  if (failed) {
    findings.push({
      code: `no-${operation}`,
      severity: 'unsafe',
      message: `Nothing can be ${verb} here: ${Object.keys(count.oddCodes).join(', ')}.`,
      advice: 'Put only the outputs of tasks there, and keep the task root elsewhere.',
    })
    return findings
  }
  if (count.double > 0 || count.found > expected) {
    findings.push({
      code: `double-${operation}`,
      severity: 'unsafe',
      message: `Of ${count.names} names, ${Math.max(count.double, count.found - expected)} were ${verb} by several processes: a late result could replace its successor's.`,
      advice: 'Keep the task root on another file system; outputs of tasks may lie here.',
    })
  }
  if (count.ownerless > 0) {
    findings.push({
      code: `lost-${operation}`,
      severity: 'note',
      message: `${count.ownerless} of ${count.names} names were ${verb} although everybody was told that they were gone; the store expects that.`,
    })
  }
  const odd = Object.entries(count.oddCodes)
  if (odd.length > 0) {
    findings.push({
      code: 'odd-errors',
      severity: 'degraded',
      message: `A name that was gone could not be ${verb} with ${odd.map(([code, times]) => `${code} (${times} times)`).join(', ')} instead of ENOENT.`,
      advice: 'Runs may end with that error; run the same line again.',
    })
  }
  return findings
}
