import { createHash } from 'node:crypto'
import type { PlannedTask } from './state-store.ts'
import type { TaskDefinition } from './task-definition.ts'

/** Hexadecimal digits of a fingerprint: 64 bits. */
const DIGITS = 16

/**
 * Short hash of what decides the result of a task; order and types of the parts count.
 *
 * @param parts - Plain data.
 * @returns 16 hexadecimal digits of SHA-256 over the JSON text.
 */
export function fingerprintOf(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, DIGITS)
}

/**
 * Plans a task of a job script. Its fingerprint covers the values and the script's own `version`, not the text of the
 * script: mending a bug there must not bring back what is done.
 */
export function planScriptTask(task: TaskDefinition, version: string): PlannedTask {
  const fingerprint = fingerprintOf(['script', version, Object.entries(task.values ?? {})])
  const summary = JSON.stringify(task.values ?? {}) + (version === '' ? '' : ` version ${version}`)
  return { ...task, fingerprint, summary }
}
