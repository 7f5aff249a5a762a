/** What `mpibatch doctor` prints for people (pure). */
import type { DoctorReport, Finding, StepReport } from '@mpibatch/fs-state'
import { formatDuration } from '../input/duration.ts'
import { printable } from './printable.ts'

const NAME_WIDTH = 16
const USES: Readonly<Record<DoctorReport['use'], string>> = {
  'several-instances': 'several instances at a time',
  'single-instance': 'one instance at a time',
  none: 'no task root',
}

/** A step with its findings. */
export function stepText({ step, name, durationMs, findings }: StepReport): string {
  const bad = findings.some(({ severity }) => severity === 'degraded' || severity === 'unsafe')
  const head = `${String(step).padStart(2)} ${name.padEnd(NAME_WIDTH)} ${bad ? '' : 'ok '}(${formatDuration(durationMs)})`
  return `${[head, ...findings.map(findingText)].join('\n')}\n`
}

/** How runs here start commands; the field `spawning` of the doctor's JSON. */
export type Spawning = 'native' | 'portable'

const SPAWNING: Readonly<Record<Spawning, string>> = {
  native: 'started by the addon, as fast from a large process as from a small one',
  portable: 'started through Node, without the addon',
}

/** How runs here start commands. */
export function spawningText(spawning: Spawning): string {
  return `   ${'commands'.padEnd(NAME_WIDTH)} ${SPAWNING[spawning]}\n`
}

/** What follows. */
export function verdictText(report: DoctorReport): string {
  const { fileSystem, liveness, visibilityMs } = report
  const seconds = (durationMs: number): string => `${durationMs / 1000}s`
  const times = [
    `heartbeat=${seconds(liveness.heartbeatMs)}`,
    `lease=${seconds(liveness.leaseMs)}`,
    `visibility=${seconds(liveness.visibilityMs)}`,
    `dead-after=${seconds(liveness.deadAfterMs)}`,
  ]
  const rows: readonly (readonly [string, string])[] = [
    ['directory', report.directory],
    ['file system', `${fileSystem.type} of ${fileSystem.source}, ${report.sharing}`],
    ['for', USES[report.use]],
    ['events', `${report.medium}${report.claimSync ? ', synced after claims' : ''}`],
    ['times', times.join(' ')],
    ...(visibilityMs === null ? [] : ([['seen on peer', `within ${formatDuration(visibilityMs)}`]] as const)),
  ]
  const lines = rows.map(([name, value]) => `   ${name.padEnd(NAME_WIDTH)} ${printable(value)}`)
  const kept = report.saved ? ' Runs in this root follow it.' : ''
  return `${lines.join('\n')}\n${report.verdict.toUpperCase()}: ${printable(report.advice)}${kept}\n`
}

function findingText({ severity, message, advice }: Finding): string {
  const word = severity === 'ok' ? '' : `${severity}: `
  return `   ${word}${printable(message)}${advice === undefined ? '' : ` ${printable(advice)}`}`
}
