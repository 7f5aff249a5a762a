/**
 * Notices changes in a root by what the system tells of them (inotify and its like). The only user of chokidar, which
 * is loaded when it is needed.
 */
import { basename, dirname } from 'node:path'
import type { FSWatcher } from 'chokidar'
import { isInstanceName } from './instance.ts'
import type { LivingInstances } from './root-looks.ts'
import { instancesDirectory } from './store-paths.ts'

/** Hears what {@link RootNotices} notices. */
export interface NoticeListener {
  /** Something has changed, or may have before the watch began. */
  readonly changed: () => void
  /** The system tells no more; nothing comes from now on. */
  readonly failed: (error: unknown) => void
}

/** What {@link RootNotices} watches. */
export interface NoticeOptions {
  readonly living: LivingInstances
  /** Files to watch: logs of instances, and the `state` of tasks. */
  readonly paths: ReadonlySet<string>
  readonly listener: NoticeListener
}

/** Files, wanted or not any more, with which a watch is begun anew. */
const PATHS_MAX = 1000

/** See the top of this file. */
export class RootNotices {
  readonly #watcher: FSWatcher
  readonly #paths: Set<string>

  private constructor(watcher: FSWatcher, paths: Set<string>) {
    this.#watcher = watcher
    this.#paths = paths
  }

  /**
   * Begins to watch which instances there are, and some files. The directories of the instances are not watched: with
   * every change in one, chokidar would read it again.
   */
  static async open(root: string, options: NoticeOptions): Promise<RootNotices> {
    const { living, listener } = options
    const paths = new Set(options.paths)
    const { watch } = await import('chokidar')
    const instances = instancesDirectory(root)
    const isIgnored = (path: string): boolean => {
      if (path === instances || paths.has(path)) return false
      const name = basename(path)
      return dirname(path) !== instances || !isInstanceName(name) || !living.includes(name)
    }
    const watcher = watch([], {
      ignored: isIgnored,
      depth: 0,
      ignoreInitial: true,
      followSymlinks: false,
      ignorePermissionErrors: true,
      usePolling: false,
    })
    watcher.on('all', listener.changed)
    watcher.on('error', listener.failed)
    // What changed between the first look of the caller and now has not been told.
    watcher.on('ready', listener.changed)
    watcher.add([instances, ...paths])
    return new RootNotices(watcher, paths)
  }

  /**
   * Watches these files too. Others stay watched, because to let go of a path costs chokidar more than to keep it.
   *
   * @returns `false` if they have become so many that the watch must be begun anew.
   */
  watch(paths: ReadonlySet<string>): boolean {
    const added = [...paths].filter((path) => !this.#paths.has(path))
    if (this.#paths.size + added.length > PATHS_MAX) return false
    for (const path of added) this.#paths.add(path)
    if (added.length > 0) this.#watcher.add(added)
    return true
  }

  /** Ends the watch. */
  async close(): Promise<void> {
    await this.#watcher.close()
  }
}
