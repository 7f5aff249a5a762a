/**
 * Notices changes in a root by looking at it: the way that works on every file system.
 *
 * Files are opened before their times are asked for, since clients of network file systems keep to what they know of a
 * name until it is opened.
 */
import { withFile } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { hasEndedLife, listInstances, readInstance } from './instance.ts'
import { codeOf } from './io-error.ts'
import { instanceDirectory } from './store-paths.ts'

/** Tells of progress in an instance's directory; its heartbeat, its tokens and what it builds don't. */
const tellsOfProgress = (name: string): boolean => name.startsWith('life.') || isLog(name)
const isLog = (name: string): boolean => name.startsWith('attempts.') || name.startsWith('journal.')

/** What is looked at. */
export interface WatchedRoot {
  readonly files: FileLayer
  readonly root: string
  /** An instance whose changes are no news. */
  readonly instance: string | undefined
}

/** Which instances of a root can still change anything; those that have ended are asked only once. */
export class LivingInstances {
  readonly #watched: WatchedRoot
  readonly #ended = new Set<string>()

  constructor(watched: WatchedRoot) {
    this.#watched = watched
  }

  /** Tells whether an instance is worth watching. */
  includes(instance: string): boolean {
    const { files, root, instance: own } = this.#watched
    if (instance === own || this.#ended.has(instance)) return false
    try {
      if (!hasEndedLife(readInstance(files, root, instance))) return true
    } catch {
      // What can't be read now may be readable later.
      return true
    }
    this.#ended.add(instance)
    return false
  }

  /** Every instance that is worth watching. */
  list(): readonly string[] {
    const { files, root } = this.#watched
    return listInstances(files, root).filter((instance) => this.includes(instance))
  }
}

/** What {@link lookAtRoot} found. */
export interface RootLook {
  /**
   * Everything in the root that changes when another instance does something. Two texts that are the same mean that
   * nothing was seen to change; nothing else can be read from them.
   */
  readonly text: string
  /** Paths of the logs of living instances. */
  readonly logs: readonly string[]
  /** Whether a living instance has no log yet. */
  readonly expectsLog: boolean
}

/**
 * Looks at a root. Never fails: an error is a part of the text.
 *
 * @param stateFiles - Files that are looked at besides.
 */
export function lookAtRoot(
  watched: WatchedRoot,
  living: LivingInstances,
  stateFiles: Iterable<string>,
): RootLook {
  const { files, root } = watched
  const seen: string[] = []
  const logs: string[] = []
  let expectsLog = false
  const add = (name: string, look: () => string): void => {
    try {
      seen.push(`${name} ${look()}`)
    } catch (error) {
      seen.push(`${name} ${codeOf(error)}`)
    }
  }
  add('instances', () => {
    for (const instance of living.list()) {
      const directory = instanceDirectory(root, instance)
      const before = logs.length
      add(instance, () => {
        for (const { name } of files.list(directory)) {
          if (!tellsOfProgress(name)) continue
          const path = `${directory}/${name}`
          add(path, () => stampOf(files, path))
          if (isLog(name)) logs.push(path)
        }
        return ''
      })
      expectsLog ||= logs.length === before
    }
    return ''
  })
  for (const path of stateFiles) add(path, () => stampOf(files, path))
  // The order of names in a directory is the file system's, and may change without a reason.
  return { text: seen.sort().join('\n'), logs, expectsLog }
}

function stampOf(files: FileLayer, path: string): string {
  return withFile(files, path, (descriptor) => files.stampOf(descriptor))
}
