import { ConfigError } from './errors.ts'
import { type NamedList, NameIndex } from './name-index.ts'

/** A value that a task was given: a column of a table, a field of a JSON object, an item of a list. */
export type TaskValue = string | number | boolean | null

/** A task before it has a state: its name, and the values that tell it from the others. */
export interface TaskDefinition {
  /** The task's name: one path component, unique within the batch; the name of its directory. */
  readonly name: string
  /** Named values, in the order of their columns. Values of plain lists are named `1`, `2`, … */
  readonly values?: Readonly<Record<string, TaskValue>>
}

/** Name of the directory in a task root that belongs to mpibatch; no task may be called so. */
export const RESERVED_NAME = '.mpibatch'

/** Longest task name, in bytes of UTF-8: what ext4, XFS, NFS and most others take for one path component. */
export const TASK_NAME_BYTES_MAX = 255

/**
 * Says what is wrong with a task name, or nothing if it is a safe directory name.
 *
 * @returns The reason as the end of a sentence ("is empty"), or `undefined`.
 */
export function taskNameFault(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (name === '.' || name === '..') return 'is not a name of its own'
  if (name === RESERVED_NAME) return 'is the name of the directory that mpibatch itself uses'
  if (name.includes('/')) return 'contains "/", so it is not a single path component'
  if (name.includes('\0')) return 'contains a NUL character'
  if (hasControlCharacter(name)) return 'contains a control character'
  const size = Buffer.byteLength(name)
  if (size > TASK_NAME_BYTES_MAX)
    return `is ${size} bytes long, where a file system takes ${TASK_NAME_BYTES_MAX}`
  return undefined
}

/**
 * Checks names for safety and for doubles.
 *
 * @throws {@link ConfigError} naming the first task that can't be.
 */
export function checkTaskNames(tasks: NamedList): void {
  const seen = new NameIndex((index) => tasks.at(index)?.name ?? '', tasks.length)
  for (let index = 0; index < tasks.length; index += 1) {
    const name = tasks.at(index)?.name ?? ''
    const fault = taskNameFault(name)
    if (fault !== undefined) {
      throw new ConfigError(
        `The name of task ${index + 1}, ${JSON.stringify(shorten(name))}, ${fault}. Give it another name.`,
        { details: { index, name } },
      )
    }
    if (!seen.add(name)) {
      throw new ConfigError(
        `Two tasks are called ${JSON.stringify(name)}; the second is task ${index + 1}. Give each task a name of its own.`,
        { details: { index, name } },
      )
    }
  }
}

function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}

function shorten(name: string): string {
  return name.length > 60 ? `${name.slice(0, 57)}…` : name
}
