import type { TaskValue } from '@mpibatch/batch-core'
import type { FailureGroup } from './report-data.ts'

/** Kinds that are told apart; whatever comes beyond goes into one group, so that a million messages need no memory. */
const GROUPS_MAX = 2000
/** What that group is called. */
const OTHER_SHAPE = 'other messages'
/** Longest message that is kept, in characters. */
const MESSAGE_LENGTH_MAX = 400

/** A failure of a task. */
export interface Failure {
  readonly task: string
  /** What the task was made from. */
  readonly values?: Readonly<Record<string, TaskValue>> | undefined
  readonly reason: string
  readonly message: string
}

/** A group without what only its file system knows. */
export type CountedGroup = Omit<FailureGroup, 'logs'>

type MutableGroup = { -readonly [Key in keyof CountedGroup]: CountedGroup[Key] }

/**
 * The form that messages of one cause have in common: the task's name becomes `{name}`, its values `{value}`, and numbers
 * `#`. Numbers are those of a decimal or hexadecimal form, so that addresses, line numbers and times vanish.
 *
 * @param task - Its name and values; what has a single character is left in the message, where it may be a word.
 */
export function messageShape(message: string, task: Pick<Failure, 'task' | 'values'>): string {
  let shape = replaceWord(message, task.task, '{name}')
  for (const value of Object.values(task.values ?? {})) shape = replaceWord(shape, String(value), '{value}')
  return shape
    .replace(/\b0x[0-9a-f]+\b/gi, '#')
    .replace(/\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b/gi, '#')
    .replace(/[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?/gi, '#')
}

/** Replaces a text wherever it is no part of a longer word. */
function replaceWord(message: string, word: string, by: string): string {
  if (word.length < 2) return message
  return message.replaceAll(word, (found, offset: number) =>
    WORD.test(message.charAt(offset - 1)) || WORD.test(message.charAt(offset + word.length)) ? found : by,
  )
}

const WORD = /[\p{L}\p{N}_]/u

/** Counts failures by reason and {@link messageShape}. */
export class FailureGroups {
  readonly #groups = new Map<string, MutableGroup>()

  /** Counts an attempt that failed. */
  addAttempt(failure: Failure): void {
    this.#groupOf(failure).attemptCount += 1
  }

  /** Counts a task that is FAILED now. The first of them stands for the group: its logs still tell of the failure. */
  addFailedTask(failure: Failure): void {
    const group = this.#groupOf(failure)
    if (group.failedTaskCount === 0) {
      group.task = failure.task
      group.message = cut(failure.message)
    }
    group.failedTaskCount += 1
  }

  /** All groups: those that most tasks are FAILED from first, then those of most attempts. */
  sorted(): readonly CountedGroup[] {
    return [...this.#groups.values()].sort(
      (one, other) => other.failedTaskCount - one.failedTaskCount || other.attemptCount - one.attemptCount,
    )
  }

  #groupOf(failure: Failure): MutableGroup {
    const { reason, message } = failure
    const shape = messageShape(cut(message), failure)
    const known = this.#groups.get(keyOf(reason, shape))
    if (known !== undefined) return known
    return this.#groups.size < GROUPS_MAX
      ? this.#add(failure, shape)
      : (this.#groups.get(keyOf(reason, OTHER_SHAPE)) ?? this.#add(failure, OTHER_SHAPE))
  }

  #add({ task, reason, message }: Failure, shape: string): MutableGroup {
    const group = { reason, shape, message: cut(message), attemptCount: 0, failedTaskCount: 0, task }
    this.#groups.set(keyOf(reason, shape), group)
    return group
  }
}

function keyOf(reason: string, shape: string): string {
  return `${reason}\n${shape}`
}

function cut(message: string): string {
  return message.length <= MESSAGE_LENGTH_MAX ? message : `${message.slice(0, MESSAGE_LENGTH_MAX - 1)}…`
}
