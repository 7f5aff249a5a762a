/** Shared buffers on file systems that lack something, and on memory disks that are full. */
import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'
import { mountWeak, NO_FUSE, NO_NAMESPACES } from './weak-mounts.ts'

const LIBRARY = import.meta.resolve('mpibatch')

/** Runs a script over shared buffers, and gives what it printed; `prefix` leads into a namespace. */
function run(prefix: readonly string[], body: string): unknown {
  const path = join(temporaryDirectory(), 'script.mjs')
  writeFileSync(
    path,
    `import { openSharedBuffers } from ${JSON.stringify(LIBRARY)}
    const run = async () => {${body}}
    console.log(JSON.stringify(await run().catch(({ code, message }) => ({ code, message }))))`,
  )
  const [program = '', ...words] = [...prefix, process.execPath, path]
  const { stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', timeout: 60_000 })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

describe.skipIf(NO_FUSE !== '')('shared buffers on a weak file system', () => {
  const onMount = async (options: string): Promise<{ found: unknown; left: () => readonly string[] }> => {
    const { nodes, point, backing } = await mountWeak(options)
    const body = `
      const buffers = await openSharedBuffers({ directory: ${JSON.stringify(point)} })
      const { values } = await buffers.map(await buffers.put(Float64Array.from([1, 2, 3])))
      const sum = values.reduce((sum, value) => sum + value)
      await buffers.close()
      return sum`
    const found = run(nodes[0]?.enter ?? [], body)
    return { found, left: () => readdirSync(backing) }
  }

  // A file that is removed while it is mapped has another name there until it is not, so that its directory stays too.
  it('work where it has links and mappings, and leave nothing though views are open at the end', async () => {
    const { found, left } = await onMount('')
    expect(found).toBe(6)
    await waitUntil(() => left().length === 0, { describe: () => left().join(' ') })
  })

  it('say that it has no hard links', async () => {
    const { found, left } = await onMount('nolink')
    expect(found).toMatchObject({
      code: 'ERR_MPIBATCH_SHARED_MEMORY',
      message: expect.stringMatching(/\(fuse.*\) has no hard links.*EPERM.*Give another directory/) as string,
    })
    expect(left()).toEqual([])
  })

  it('say that it can not map files', async () => {
    const { found, left } = await onMount('direct')
    expect(found).toMatchObject({
      code: 'ERR_MPIBATCH_SHARED_MEMORY',
      message: expect.stringMatching(/can't map files into memory: mmap: No such device/) as string,
    })
    expect(left()).toEqual([])
  })
})

describe.skipIf(NO_NAMESPACES !== '')('shared buffers on a full memory disk', () => {
  const MIB = 1 << 20

  /** A namespace with memory disks of these sizes over directories. */
  function mountDisks(sizes: Readonly<Record<string, string>>): readonly string[] {
    const mounts = Object.entries(sizes).map(
      ([directory, size]) => `mount -t tmpfs -o size=${size} tmpfs '${directory}'`,
    )
    return [
      ...['unshare', '-m', '--propagation', 'private', 'sh', '-c'],
      ...[`${mounts.join(' && ')} && exec "$@"`, 'sh'],
    ]
  }

  it('go to the disk, the least recently used first, and all can be read', () => {
    const [memory, disk] = [temporaryDirectory(), temporaryDirectory()]
    const body = `
      const { readdirSync } = await import('node:fs')
      const buffers = await openSharedBuffers({ directory: '${memory}', spillDirectory: '${disk}' })
      const references = []
      for (let value = 0; value < 6; value += 1) references.push(await buffers.put(new Uint8Array(${MIB}).fill(value)))
      const onDisk = readdirSync('${disk}', { recursive: true }).map((path) => path.split('/')[2])
      const sums = []
      for (const reference of references) {
        const { values, close } = await buffers.map(reference)
        sums.push(values.reduce((sum, value) => sum + value, 0) / ${MIB})
      }
      const spilled = references.map(({ id }) => onDisk.includes(id))
      return { spilled, sums, memoryBytes: buffers.memoryBytes }`
    // A little less than four buffers fit.
    expect(run(mountDisks({ [memory]: '4000k' }), body)).toEqual({
      spilled: [true, true, true, false, false, false],
      sums: [0, 1, 2, 3, 4, 5],
      memoryBytes: 3 * MIB,
    })
  })

  it('are refused with advice where nothing can go anywhere, and work again when there is room', () => {
    const [memory, temporary] = [temporaryDirectory(), temporaryDirectory()]
    const body = `
      process.env.TMPDIR = '${temporary}'
      const buffers = await openSharedBuffers({ directory: '${memory}' })
      const first = await buffers.put(new Uint8Array(${MIB}))
      const refused = await buffers.put(new Uint8Array(${MIB})).catch(({ code, message }) => ({ code, message }))
      await buffers.release(first)
      const second = await buffers.map(await buffers.put(new Uint8Array(${MIB}).fill(1)))
      return { refused, last: second.values.at(-1), memoryBytes: buffers.memoryBytes }`
    expect(run(mountDisks({ [memory]: '1500k', [temporary]: '8m' }), body)).toEqual({
      refused: {
        code: 'ERR_MPIBATCH_SHARED_MEMORY',
        message: expect.stringMatching(
          /has no room in .* is in memory itself, so .* Release buffers .* "spillDirectory"/,
        ) as string,
      },
      last: 1,
      memoryBytes: MIB,
    })
  })

  it('are refused where the disk is full as well', ({ skip }) => {
    const [memory, disk] = [temporaryDirectory(), temporaryDirectory()]
    const image = join(temporaryDirectory(), 'image')
    const prepare = `truncate -s 2M '${image}' && mkfs.ext4 -q -m 0 -O ^has_journal '${image}' && mount -o loop '${image}' '${disk}'`
    const [unshare = '', ...words] = mountDisks({ [memory]: '1500k' })
    const probe = spawnSync('unshare', ['-m', '--propagation', 'private', 'sh', '-c', prepare])
    if (probe.status !== 0) skip('a small disk can not be mounted here')
    const prefix = [unshare, ...words.map((word) => word.replace(' && exec', ` && ${prepare} && exec`))]
    const body = `
      const buffers = await openSharedBuffers({ directory: '${memory}', spillDirectory: '${disk}' })
      const held = [await buffers.put(new Uint8Array(${MIB}).fill(1)), await buffers.put(new Uint8Array(${MIB}).fill(2))]
      const refused = await buffers.put(new Uint8Array(${MIB})).catch(({ code, message }) => ({ code, message }))
      const values = []
      for (const reference of held) values.push((await buffers.map(reference)).values[0])
      return { refused, values }`
    expect(run(prefix, body)).toEqual({
      refused: {
        code: 'ERR_MPIBATCH_SHARED_MEMORY',
        message: expect.stringMatching(/has no room in .* is full too\. Release buffers/) as string,
      },
      values: [1, 2],
    })
  })
})
