/**
 * The words of all licence texts that Debian installs, counted by all ranks: each takes a text at a time, and the first
 * rank adds up what they find. While they count, every rank appends to one report, in the order of the texts.
 *
 *   mpibatch run -j 4 examples/06-word-count/count.mjs
 *   node examples/06-word-count/count.mjs                  one rank: the same words
 */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { MapReduce, worldCommunicator } from 'mpibatch'

const folder = '/usr/share/common-licenses'
const report = process.argv[2] ?? 'out/words.txt'
// Some names are links to the newest version of a licence; each text is wanted once.
const texts = [
  ...new Set(readdirSync(folder).map((name) => basename(realpathSync(join(folder, name))))),
].sort()

const communicator = await worldCommunicator()
const pool = await MapReduce.open({ communicator })
if (communicator.rank === 0) {
  mkdirSync(dirname(report), { recursive: true })
  writeFileSync(report, '')
}
await communicator.barrier()

const totals = new Map()
const sizes = await pool.map(
  texts,
  async (name) => {
    const counts = new Map()
    const text = readFileSync(join(folder, name), 'utf8').toLowerCase()
    for (const [word] of text.matchAll(/\p{L}+/gu)) counts.set(word, (counts.get(word) ?? 0) + 1)
    await pool.ordered(() => appendFileSync(report, `${name}: ${counts.size} different words\n`))
    return counts
  },
  {
    chunk: 1,
    // Called on the first rank only, so this map has all words there.
    reduce: (counts) => {
      for (const [word, count] of counts) totals.set(word, (totals.get(word) ?? 0) + count)
      return counts.size
    },
  },
)
if (sizes !== undefined) {
  const frequent = [...totals].sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1)).slice(0, 20)
  for (const [word, count] of frequent) console.log(`${String(count).padStart(6)} ${word}`)
  console.log(`${totals.size} different words in ${sizes.length} texts`)
}
await pool.close()
