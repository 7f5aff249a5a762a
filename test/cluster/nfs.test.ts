import { expect, it } from 'vitest'
import { NFS, SHARED } from './bed.ts'
import { lookAtStaleFiles } from './stale-files.ts'
import { describeWithBed, testTwoNodes } from './two-nodes.ts'

const NODE = process.execPath

describeWithBed(NFS, (tools) => {
  testTwoNodes(tools)

  const { bed, first, second } = tools

  // Facts about the client that the store is built on; if one of them changes, the store may be made simpler.

  it('believe that a name is absent until they open its directory again', async () => {
    const place = `${SHARED}/names`
    await bed.exec(first, ['mkdir', place])
    const look = `require('node:fs').existsSync('${place}/new')`
    expect(await bed.exec(second, [NODE, '-p', look])).toBe('false\n')
    await bed.exec(first, ['touch', `${place}/new`])
    expect(await bed.exec(second, [NODE, '-p', look])).toBe('false\n')
    const open = `require('node:fs').opendirSync('${place}').closeSync()`
    expect(await bed.exec(second, [NODE, '-p', `${open}; ${look}`])).toBe('true\n')
  })

  it('lose lines when two of them append to one file, so each rank has its own', async () => {
    const path = `${SHARED}/lines`
    const count = 300
    const append = `for (let n = 0; n < ${count}; n += 1) require('node:fs').appendFileSync('${path}', 'a line\\n')`
    await bed.exec(first, ['touch', path])
    await Promise.all([first, second].map((node) => bed.exec(node, [NODE, '-e', append])))
    const lines = (await bed.exec(first, ['cat', path])).split('\n').filter((line) => line === 'a line')
    expect(lines.length).toBeLessThan(2 * count)
  })

  it('read stale names, pages and sizes after a barrier, and what was written after syncBarrierSync', async () => {
    const { writer, reader } = await lookAtStaleFiles(bed, 'stale')
    const isStaleUntilSynced = { afterBarrier: 'absent', afterSync: 'made' }
    expect(reader.newName).toEqual(isStaleUntilSynced)
    expect(reader.newDirectory).toEqual(isStaleUntilSynced)
    expect(reader.removedName).toEqual({ afterBarrier: true, afterSync: false })
    expect(reader.newContent).toEqual({ afterBarrier: 'before of 6', afterSync: 'afterwards of 10' })
    for (const { twoWriters } of [writer, reader]) {
      expect(twoWriters).toMatch(
        /^ERR_MPIBATCH_SHARED_FILE: Ranks on 2 machines wrote .*halves, which is on NFS/,
      )
    }
  })
})
