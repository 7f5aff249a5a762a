/**
 * Tokens: the files that a rank's events are links to. One token serves all events of a kind, so that an event costs
 * one call and no inode, and its text is on the disk before its name exists.
 */
import { randomBytes } from 'node:crypto'
import type { Awaitable } from '@mpibatch/batch-core'
import { type EventContent, type EventKind, printEvent } from './event.ts'
import { createOwnFile, isLinkRefusal, openNew } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { codeOf, toStateIoError } from './io-error.ts'
import { tokenPath } from './store-paths.ts'

/** Links to one token, after which it is replaced: ext4 takes 65,000. A file system that takes fewer says so. */
export const TOKEN_LINKS_MAX = 30_000

/** How events are made: links, symbolic links or files; readers accept all three. */
export type EventMedium = 'link' | 'symlink' | 'file'

/** A token that can be linked to. */
export interface EventToken {
  /** What an event made from it says. */
  readonly text: string
  readonly path: string
  /** Links made so far, about. */
  links: number
}

/** What {@link EventTokens} needs. */
export interface EventTokensOptions {
  readonly files: FileLayer
  /** Directory of the instance. */
  readonly directory: string
  readonly instance: string
  readonly proc: number
  /** Whether tokens are synced when they are made. */
  readonly sync: boolean
  /** @defaultValue {@link TOKEN_LINKS_MAX} */
  readonly linksMax?: number
  /** How events are made as long as the file system does not refuse it. @defaultValue link */
  readonly medium?: EventMedium | undefined
}

/** The tokens of one rank. */
export class EventTokens {
  readonly #options: EventTokensOptions
  readonly #current = new Map<EventKind, Promise<EventToken>>()
  /** Those of them that have been made. */
  readonly #ready = new Map<EventKind, EventToken>()
  /** Texts of all tokens so far. */
  readonly #texts = new Set<string>()
  #sequence = 0
  #medium: EventMedium

  constructor(options: EventTokensOptions) {
    this.#options = options
    this.#medium = options.medium ?? 'link'
  }

  /** Tells whether an event was made from a token of this rank. */
  hasMade(event: EventContent): boolean {
    return this.#texts.has(printEvent(event))
  }

  /**
   * Makes an event: gives it its name, which must be free. Links are given up for symbolic links, and those for plain
   * files, as soon as the file system refuses them.
   *
   * @returns No promise where there is a token that can be linked to.
   * @throws The system's error; `EEXIST` if the name is taken.
   */
  makeEvent(kind: EventKind, path: string): Awaitable<void> {
    const token = this.#ready.get(kind)
    if (token === undefined || this.#medium !== 'link' || !this.#hasRoom(token))
      return this.#makeOtherwise(kind, path)
    if (!this.#link(token, path)) return this.#linkToNew(kind, path)
  }

  /** The token for events of a kind; made when it is first asked for, and again when it has links enough. */
  async #take(kind: EventKind): Promise<EventToken> {
    const current = this.#current.get(kind)
    if (current !== undefined) {
      const token = await current
      if (this.#hasRoom(token)) return token
      // Another task of this rank may have replaced it while we waited.
      if (this.#current.get(kind) !== current) return await this.#take(kind)
    }
    return await this.#replace(kind)
  }

  #hasRoom({ links }: EventToken): boolean {
    return links < (this.#options.linksMax ?? TOKEN_LINKS_MAX)
  }

  async #linkToNew(kind: EventKind, path: string): Promise<void> {
    if (this.#link(await this.#replace(kind), path)) return
    this.#medium = 'symlink'
    await this.#makeOtherwise(kind, path)
  }

  async #makeOtherwise(kind: EventKind, path: string): Promise<void> {
    const { files, sync } = this.#options
    const token = await this.#take(kind)
    if (this.#medium === 'link') {
      if (!this.#link(token, path)) await this.#linkToNew(kind, path)
      return
    }
    if (this.#medium === 'symlink') {
      try {
        files.symlink(token.text, path)
        return
      } catch (error) {
        if (!isLinkRefusal(error)) throw error
        this.#medium = 'file'
      }
    }
    const descriptor = openNew(files, path, 0o444)
    try {
      files.write(descriptor, `${token.text}\n`)
      if (sync) await files.sync(descriptor)
    } catch (error) {
      // It exists and is ours: after a failed sync, a second try must not find it in order.
      throw toStateIoError(error, { path, action: 'write', tried: true })
    } finally {
      files.close(descriptor)
    }
  }

  #link(token: EventToken, path: string): boolean {
    try {
      this.#options.files.link(token.path, path)
      token.links += 1
      return true
    } catch (error) {
      if (isLinkRefusal(error)) return false
      // What GlusterFS says of a file that has 100 links; if it is the disk that is full, a new token tells.
      if (codeOf(error) === 'ENOSPC' && token.links > 0) return false
      throw error
    }
  }

  #replace(kind: EventKind): Promise<EventToken> {
    const made = this.#make(kind)
    this.#current.set(kind, made)
    this.#ready.delete(kind)
    made.then(
      (token) => {
        if (this.#current.get(kind) === made) this.#ready.set(kind, token)
      },
      () => {
        // A token that could not be made is no token: the next event tries again.
        if (this.#current.get(kind) === made) this.#current.delete(kind)
      },
    )
    return made
  }

  async #make(kind: EventKind): Promise<EventToken> {
    const { files, directory, instance, proc, sync } = this.#options
    this.#sequence += 1
    const path = tokenPath(directory, { proc, kind, sequence: this.#sequence })
    const text = printEvent({ kind, instance, proc, nonce: randomBytes(4).toString('hex') })
    this.#texts.add(text)
    await createOwnFile(files, path, { text: `${text}\n`, sync, mode: 0o444 })
    return { text, path, links: 0 }
  }
}
