/** Events of one task that were made by instances with different means, and tokens whose links are used up. */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts'
import { EventTokens } from '../src/event-token.ts'
import { nodeFileLayer } from '../src/node-file-layer.ts'
import { type Fault, type FileCall, faultyFileLayer } from './faulty-file-layer.ts'
import { freshRoot, mustClaim, openStore, plan, pretendDead, RECORD, stateText } from './store-harness.ts'

const isEvent = ({ path }: FileCall): boolean => /\/state\.ev\.\d+$/.test(path)
const refuse =
  (...names: string[]) =>
  (call: FileCall): Fault =>
    names.includes(call.name) && isEvent(call) ? { code: 'EPERM' } : undefined

/** How instances may make their events, by what the file system lets them. */
const MEDIA = {
  link: nodeFileLayer,
  symlink: faultyFileLayer(refuse('link')),
  file: faultyFileLayer(refuse('link', 'symlink')),
}
type Medium = keyof typeof MEDIA
const ORDERS: readonly (readonly Medium[])[] = [
  ['link', 'symlink', 'file'],
  ['symlink', 'file', 'link'],
  ['file', 'link', 'symlink'],
]

function mediumOf(root: string, slot: number): Medium {
  const event = lstatSync(join(root, 'a', `state.ev.${slot}`))
  if (event.isSymbolicLink()) return 'symlink'
  return event.nlink > 1 ? 'link' : 'file'
}

describe.each(ORDERS)('a chain of a %s, a %s and a %s', (...media) => {
  it('is taken over from one to the next, fences each, and ends DONE', async () => {
    const root = freshRoot()
    const owners = []
    for (const [index, medium] of media.entries()) {
      const store = await openStore(root, plan('a'), { files: MEDIA[medium] })
      const claim = await mustClaim(store)
      expect(claim).toMatchObject({ slot: index + 1, attempt: index + 1 })
      expect(mediumOf(root, index + 1)).toBe(medium)
      owners.push({ store, claim })
      if (index + 1 < media.length) pretendDead(root, store.instance)
    }
    for (const { store, claim } of owners.slice(0, -1)) {
      await expect(store.publish(claim, 'FAILED', RECORD)).rejects.toMatchObject({
        code: 'ERR_MPIBATCH_FENCED',
      })
    }
    const last = owners.at(-1)
    if (last === undefined) throw new Error('There are no media.')
    expect(await last.store.publish(last.claim, 'DONE', RECORD)).toBe(media.length + 1)
    expect(stateText(root)).toBe('DONE\n')
    const next = await openStore(root)
    const again = await next.claim(0, { lastSeen: 0, from: { rerun: true } })
    expect(again).toMatchObject({
      kind: 'claimed',
      claim: { slot: media.length + 3, attempt: media.length + 1 },
    })
  })
})

it('a token is replaced when it has links enough, before the file system refuses one more', async () => {
  const directory = temporaryDirectory()
  const options = { files: nodeFileLayer, directory, instance: '0123456789abcdef', proc: 0, sync: false }
  const tokens = new EventTokens({ ...options, linksMax: 3 })
  const inodes: number[] = []
  for (let slot = 1; slot <= 9; slot += 1) {
    const path = join(directory, `state.ev.${slot}`)
    await tokens.makeEvent('CLAIM', path)
    inodes.push(lstatSync(path).ino)
  }
  const counts = [...new Set(inodes)].map((inode) => inodes.filter((each) => each === inode).length)
  expect(counts).toEqual([3, 3, 3])
})
