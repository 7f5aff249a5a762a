/**
 * Notices changes in a root by what the system tells of them (inotify and its like). The only user of chokidar, which
 * is loaded when it is needed.
 */
import { basename, dirname } from 'node:path'
import type { FSWatcher } from 'chokidar'
import { isInstanceName } from './instance.ts'
import { type LivingInstances, tellsOfProgress } from './root-looks.ts'
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
  /** Files to watch besides: the `state` of tasks. */
  readonly stateFiles: ReadonlySet<string>
  readonly listener: NoticeListener
}

/** Files besides the logs, wanted or not any more, with which a watch is begun anew. */
const STATE_FILES_MAX = 500

/** See the top of this file. */
export class RootNotices {
  readonly #watcher: FSWatcher
  readonly #stateFiles: Set<string>

  private constructor(watcher: FSWatcher, stateFiles: Set<string>) {
    this.#watcher = watcher
    this.#stateFiles = stateFiles
  }

  /**
   * Begins to watch the instances of a root, and some files. An instance takes one watch for its directory and one for
   * each log in it; one that has ended takes none.
   */
  static async open(root: string, options: NoticeOptions): Promise<RootNotices> {
    const { living, listener } = options
    const stateFiles = new Set(options.stateFiles)
    const { watch } = await import('chokidar')
    const instances = instancesDirectory(root)
    const isIgnored = (path: string): boolean => {
      if (path === instances || stateFiles.has(path)) return false
      const parent = dirname(path)
      const name = basename(path)
      if (parent === instances) return !isInstanceName(name) || !living.includes(name)
      return dirname(parent) !== instances || !tellsOfProgress(name)
    }
    const watcher = watch([], {
      ignored: isIgnored,
      // Entries of the directory of instances, and theirs.
      depth: 1,
      ignoreInitial: true,
      followSymlinks: false,
      ignorePermissionErrors: true,
      usePolling: false,
    })
    watcher.on('all', listener.changed)
    watcher.on('error', listener.failed)
    // What changed between the first look of the caller and now has not been told.
    watcher.on('ready', listener.changed)
    watcher.add([instances, ...stateFiles])
    return new RootNotices(watcher, stateFiles)
  }

  /**
   * Watches these files too. Others stay watched, because to let go of a path costs chokidar more than to keep it.
   *
   * @returns `false` if they have become so many that the watch must be begun anew.
   */
  watch(stateFiles: ReadonlySet<string>): boolean {
    const added = [...stateFiles].filter((path) => !this.#stateFiles.has(path))
    if (this.#stateFiles.size + added.length > STATE_FILES_MAX) return false
    for (const path of added) this.#stateFiles.add(path)
    this.#watcher.add(added)
    return true
  }

  /** Ends the watch. */
  async close(): Promise<void> {
    await this.#watcher.close()
  }
}
