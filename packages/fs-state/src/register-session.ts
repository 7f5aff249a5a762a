import { MpibatchError } from '@mpibatch/batch-core'
import type { OnAppendStep, StoreDurability } from './append.ts'
import type { FileLayer } from './file-layer.ts'
import { fileSystemClass } from './file-system-class.ts'
import { registerInstance } from './instance.ts'
import { prepareRoot, unusable } from './root-check.ts'
import { StoreSession } from './store-session.ts'

/** What {@link registerSession} needs. */
export interface RegisterOptions {
  /** The task root, absolute; made if it is missing. */
  readonly root: string
  readonly files: FileLayer
  readonly durability: StoreDurability
  readonly crashLimit: number
  readonly command: string | undefined
  readonly onStep: OnAppendStep | undefined
}

/**
 * Registers this process as an instance of a root, as its rank 0, and buries instances of this machine that have died.
 *
 * @throws {@link StoreUnusableError} if the root can't hold a store.
 */
export async function registerSession(options: RegisterOptions): Promise<StoreSession> {
  const { root, files, durability, crashLimit, command, onStep } = options
  const sync = durability !== 'none'
  await prepareRoot(files, root, { sync })
  try {
    const { claimSync } = fileSystemClass(files.fileSystemType(root), files.mountOf(root))
    const { instance } = await registerInstance(files, root, { command, sync })
    const ticket = { root, instance, durability, claimSync, crashLimit }
    const session = new StoreSession({ ticket, proc: 0, files, onStep })
    await session.owners.buryAll()
    return session
  } catch (error) {
    throw error instanceof MpibatchError ? error : unusable(root, error)
  }
}
