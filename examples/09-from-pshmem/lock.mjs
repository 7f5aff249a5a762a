/**
 * Ranks count in a file, one at a time; then those with even numbers once more, under a lock of their own. The same as
 * lock.py, and right on several machines too: what is read under the lock is what the server has.
 *
 *   mpirun -n 4 node lock.mjs DIRECTORY
 *   mpibatch run -j 4 lock.mjs -- DIRECTORY
 *   node lock.mjs DIRECTORY
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { readFreshFile, TokenLock, worldCommunicator, writeWholeFile } from 'mpibatch'

const world = await worldCommunicator()
const directory = process.argv[2] ?? 'out/lock'
mkdirSync(directory, { recursive: true })

/** Reads a number, and writes the next one. Two that do it at once would lose a count. */
async function addOne(name) {
  const path = join(directory, name)
  const count = Number((await readFreshFile(path)) ?? 0)
  await writeWholeFile(path, String(count + 1))
}

const lock = await TokenLock.create(world)
for (let round = 0; round < 10; round += 1) {
  await lock.acquire()
  await addOne('all')
  await lock.release()
}
await lock.close()

const evens = await world.split({ color: world.rank % 2 === 0 ? 0 : undefined, key: world.rank })
if (evens !== undefined) {
  const lock = await TokenLock.create(evens)
  await lock.withLock(() => addOne('evens'))
  await lock.close()
}

await world.barrier()
if (world.rank === 0) {
  for (const name of ['all', 'evens']) {
    console.log(`${name}: ${await readFreshFile(join(directory, name))}`)
  }
}
