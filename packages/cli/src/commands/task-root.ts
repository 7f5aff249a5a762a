import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, DEFAULT_ROOT, RESERVED_NAME } from '@mpibatch/batch-core'

/** The task root of a command that takes `[ROOT]` and nothing else. */
export function onlyRoot(words: readonly string[]): string {
  if (words.length > 1) throw new ConfigError(`One task root was expected, and ${words.length} were given.`)
  return existingRoot(words[0] ?? DEFAULT_ROOT)
}

/**
 * Splits `[ROOT] [TASK…]`. The first word is the root if it is a directory outside the default root's tasks; else all
 * words are tasks of the default root.
 */
export function rootAndTasks(words: readonly string[]): {
  readonly root: string
  readonly tasks: readonly string[]
} {
  const [first, ...rest] = words
  if (first === undefined) return { root: existingRoot(DEFAULT_ROOT), tasks: [] }
  const isTask = isDirectory(join(DEFAULT_ROOT, first)) && !isDirectory(join(first, RESERVED_NAME))
  if (isTask || !(isDirectory(first) || first.includes('/')))
    return { root: existingRoot(DEFAULT_ROOT), tasks: words }
  return { root: existingRoot(first), tasks: rest }
}

/**
 * Checks that a task root is there.
 *
 * @throws {@link ConfigError} if it is not a directory.
 */
export function existingRoot(root: string): string {
  if (!existsSync(root)) {
    throw new ConfigError(
      `There is no task root ${JSON.stringify(root)}. Name the directory that --root named in the run.`,
    )
  }
  if (!isDirectory(root)) throw new ConfigError(`The task root ${JSON.stringify(root)} is not a directory.`)
  return root
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
