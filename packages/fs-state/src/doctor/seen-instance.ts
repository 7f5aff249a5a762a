import { fileSystemClass } from '../file-system-class.ts'
import { hasEndedLife, readInstance } from '../instance.ts'
import { nodeFileLayer } from '../node-file-layer.ts'
import { looksAlive } from '../owner-sight.ts'
import { ownIdentity } from '../process-identity.ts'

/** An instance as it looks from outside: at work, over and said so, or dead without a word. */
export interface SeenInstance {
  readonly state: 'alive' | 'ended' | 'dead'
}

/** Looks at an instance; nothing is ended, nothing written. */
export function peekInstance(root: string, instance: string): SeenInstance {
  const found = readInstance(nodeFileLayer, root, instance)
  if (hasEndedLife(found)) return { state: 'ended' }
  // Without an entry in its life log it never registered completely, and has claimed nothing.
  if (found.life === undefined) return { state: 'ended' }
  const { local } = fileSystemClass(nodeFileLayer.fileSystemType(root), nodeFileLayer.mountOf(root))
  return { state: looksAlive(found, ownIdentity(), local) ? 'alive' : 'dead' }
}
