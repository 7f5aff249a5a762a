import { resolve } from 'node:path'
import type { StoreDurability } from './append.ts'
import type { FileLayer } from './file-layer.ts'
import { nodeFileLayer } from './node-file-layer.ts'
import { registerSession } from './register-session.ts'
import { checkReadableRoot } from './root-check.ts'
import type { StoreSession } from './store-session.ts'
import { type ReopenOptions, type ReopenResult, reopenTask } from './task-reopening.ts'

/** Opens tasks of a root again; an instance of its own while it does. Close it. */
export interface Administrator {
  /** Opens a task again, if it is one that is wanted; says why not otherwise. @throws {@link StateIoError} */
  reopen(name: string, options: ReopenOptions): Promise<ReopenResult>
  /** Ends the instance. */
  close(): Promise<void>
}

/**
 * Registers an instance that opens tasks again. Instances of this machine that have died are buried first.
 *
 * @throws {@link StoreUnusableError} if there is no such root, or it can't be written to.
 */
export async function openAdministrator(
  root: string,
  options: {
    readonly durability?: StoreDurability
    readonly files?: FileLayer
    readonly command?: string
  } = {},
): Promise<Administrator> {
  const { files = nodeFileLayer, durability = 'terminal', command } = options
  const place = resolve(root)
  checkReadableRoot(files, place)
  const session: StoreSession = await registerSession({
    root: place,
    files,
    durability,
    crashLimit: Number.MAX_SAFE_INTEGER,
    command,
    onStep: undefined,
  })
  return {
    reopen: (name, wanted) => reopenTask(session, name, wanted),
    close: () => session.close(),
  }
}
