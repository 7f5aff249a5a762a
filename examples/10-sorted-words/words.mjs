/**
 * A sort through files: how often does each word stand in the licence texts, in the order of the alphabet?
 *
 * Each rank reads a share of the texts, and writes the words that it finds into a file for each rank: the first rank gets
 * the words with the first letters, and so on. Then each rank reads what all have written for it, and sorts that. The
 * parts, one behind the other, are the answer. Between the steps stands syncBarrierSync: without it a rank on another
 * machine might find the file of a moment ago, or none.
 *
 *   mpirun -n 4 node examples/10-sorted-words/words.mjs DIRECTORY       DIRECTORY is on a disk that all nodes share
 *   mpibatch run -j 4 examples/10-sorted-words/words.mjs -- DIRECTORY
 *   node examples/10-sorted-words/words.mjs DIRECTORY                   the same answer on one rank
 */
import { mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { syncBarrierSync, worldCommunicator } from 'mpibatch'

const folder = '/usr/share/common-licenses'
const world = await worldCommunicator()
const { rank, size } = world
const ranks = Array.from({ length: size }, (_, index) => index)
const directory = process.argv[2] ?? 'out/sorted-words'
mkdirSync(directory, { recursive: true })
const between = (from, to) => join(directory, `from-${from}-to-${to}`)
const part = (of) => join(directory, `part-${of}`)

// Some names are links to the newest version of a licence; each text is wanted once.
const texts = [...new Set(readdirSync(folder).map((name) => realpathSync(join(folder, name))))].sort()

/** The rank that gets the words which begin with this letter. */
const rankOf = (word) => Math.floor(((word.charCodeAt(0) - 97) * size) / 26)

const found = ranks.map(() => [])
for (const [index, path] of texts.entries()) {
  if (index % size !== rank) continue
  for (const word of readFileSync(path, 'utf8')
    .toLowerCase()
    .match(/[a-z]+/g) ?? [])
    found[rankOf(word)].push(word)
}
for (const to of ranks) writeFileSync(between(rank, to), found[to].join('\n'))
await syncBarrierSync(world, {
  wrote: ranks.map((to) => between(rank, to)),
  reads: ranks.map((from) => between(from, rank)),
})

const counts = new Map()
for (const from of ranks) {
  for (const word of readFileSync(between(from, rank), 'utf8').split('\n')) {
    if (word !== '') counts.set(word, (counts.get(word) ?? 0) + 1)
  }
}
const lines = [...counts]
  .sort(([one], [other]) => (one < other ? -1 : 1))
  .map(([word, count]) => `${word} ${count}\n`)
writeFileSync(part(rank), lines.join(''))
await syncBarrierSync(world, { wrote: [part(rank)], reads: rank === 0 ? ranks.map(part) : [] })

if (rank === 0) {
  const all = ranks.map((of) => readFileSync(part(of), 'utf8')).join('')
  writeFileSync(join(directory, 'words.txt'), all)
  console.log(`${all.split('\n').length - 1} words are in ${join(directory, 'words.txt')}.`)
}
