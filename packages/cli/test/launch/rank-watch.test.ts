import { existsSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { waitUntil } from '../../../../test/support/wait-until.ts'
import { RankWatch } from '../../src/launch/rank-watch.ts'

const open: (() => void)[] = []

afterEach(() => {
  for (const close of open.splice(0)) close()
})

function startWatch(name: string): RankWatch {
  const watch = new RankWatch(`token-${process.pid}-${name}`)
  open.push(() => watch.close())
  return watch
}

/** A rank that has said who it is. */
async function startRank(watch: RankWatch, rank: number, size: number): Promise<Socket> {
  const socket = connect(watch.path)
  open.push(() => socket.destroy())
  await new Promise<void>((resolve) => socket.write(`${rank} ${size}\n`, () => resolve()))
  return socket
}

describe('a watch over ranks', () => {
  it('knows which ended first, also when others end right behind it', async () => {
    const watch = startWatch('first')
    const ranks = [await startRank(watch, 0, 3), await startRank(watch, 1, 3), await startRank(watch, 2, 3)]
    expect(watch.firstEnded).toBeUndefined()
    for (const rank of [1, 2, 0]) ranks[rank]?.end()
    expect(await waitUntil(() => watch.firstEnded)).toBe(1)
  })

  it('knows nothing where a rank could not connect, since that one may have ended before', async () => {
    const watch = startWatch('elsewhere')
    const ranks = [await startRank(watch, 0, 3), await startRank(watch, 1, 3)]
    const ended = ranks.map((rank) => new Promise((resolve) => rank.once('close', resolve)))
    for (const rank of ranks) rank.end()
    await Promise.all(ended)
    expect(watch.firstEnded).toBeUndefined()
  })

  it('leaves nothing behind: its name is gone when all ranks are there, or when it is closed', async () => {
    const watch = startWatch('behind')
    await startRank(watch, 0, 2)
    expect(existsSync(watch.path)).toBe(true)
    await startRank(watch, 1, 2)
    await waitUntil(() => !existsSync(watch.path))
    const other = startWatch('closed')
    expect(existsSync(other.path)).toBe(true)
    other.close()
    expect(existsSync(other.path)).toBe(false)
  })
})
