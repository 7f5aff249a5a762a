import { readSmallText, withFile } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { codeOf, isUnclear } from './io-error.ts'
import { heartbeatPath, instanceDirectory, leaseLockPath } from './store-paths.ts'

/** Bytes of `hb` that are looked at. */
const HEARTBEAT_SIZE_MAX = 64

/**
 * Looks between which more of these many intervals lie are no watching: this process, its machine or its disk may
 * have been away just as the one that is watched.
 */
const MISSED_LOOKS_MAX = 3

/** What was seen of an instance's signs of life. */
export interface Observation {
  /** Whether something has changed since the first look. */
  readonly shownLife: boolean
  /** For how long nothing has changed, by this machine's monotonic clock, while it was watched. */
  readonly silentMs: number
  /** Why nothing can be seen of it, as a code of the system's; then its silence means nothing. */
  readonly hiddenBy?: string
}

interface Watched {
  sign: string
  shownLife: boolean
  sinceMs: number
  lookedAtMs: number
}

/**
 * Watches the signs of life of other instances: only whether they change, and how long they have not, by the own
 * monotonic clock. What they say, and whose clock wrote their times, means nothing (`docs/liveness.md`, The observer).
 */
export class HeartbeatObserver {
  readonly #files: FileLayer
  readonly #root: string
  readonly #intervalMs: number
  readonly #nowMs: () => number
  readonly #watched = new Map<string, Watched>()

  constructor(options: {
    readonly files: FileLayer
    readonly root: string
    /** Time between two looks, at most. */
    readonly intervalMs: number
    /** @defaultValue `performance.now` */
    readonly nowMs?: () => number
  }) {
    this.#files = options.files
    this.#root = options.root
    this.#intervalMs = options.intervalMs
    this.#nowMs = options.nowMs ?? (() => performance.now())
  }

  /** Looks at an instance. */
  look(instance: string): Observation {
    return this.#note(instance, () => signOf(this.#files, instanceDirectory(this.#root, instance)))
  }

  /** Looks at something else that must change or stay, by a name of its own. */
  lookAt(name: string, sign: () => string): Observation {
    return this.#note(name, sign)
  }

  #note(name: string, read: () => string): Observation {
    const nowMs = this.#nowMs()
    const watched = this.#watched.get(name)
    let sign: string
    try {
      sign = read()
    } catch (error) {
      // Where nothing can be read, nothing was seen, neither life nor silence.
      const seen = { shownLife: watched?.shownLife ?? false, silentMs: 0 }
      return isUnclear(error) ? seen : { ...seen, hiddenBy: codeOf(error) }
    }
    if (watched === undefined) {
      this.#watched.set(name, { sign, shownLife: false, sinceMs: nowMs, lookedAtMs: nowMs })
      return { shownLife: false, silentMs: 0 }
    }
    const missed = nowMs - watched.lookedAtMs > MISSED_LOOKS_MAX * this.#intervalMs
    const changed = sign !== watched.sign
    if (changed || missed) watched.sinceMs = nowMs
    watched.shownLife ||= changed
    watched.sign = sign
    watched.lookedAtMs = nowMs
    return { shownLife: watched.shownLife, silentMs: nowMs - watched.sinceMs }
  }
}

/** All that changes while an instance lives, as one text; a part that is missing is a part of it. */
function signOf(files: FileLayer, directory: string): string {
  const heartbeat = readSmallText(files, heartbeatPath(directory), HEARTBEAT_SIZE_MAX) ?? 'none'
  return `${heartbeat} ${stampOfLock(files, leaseLockPath(directory))}`
}

function stampOfLock(files: FileLayer, path: string): string {
  try {
    return withFile(files, path, (descriptor) => files.stampOf(descriptor))
  } catch {
    return 'none'
  }
}
