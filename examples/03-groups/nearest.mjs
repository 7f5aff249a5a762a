/**
 * Groups of two ranks that split one task: for every licence text, which other text is most like it?
 * Each member compares the text with its half of the others, and the first writes down what both found.
 *
 *   mpibatch run -j 4 examples/03-groups/nearest.mjs      two groups of two
 *   node examples/03-groups/nearest.mjs                   one group of one: the same answers
 */
import { readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { openBatch } from 'mpibatch'

const folder = '/usr/share/common-licenses'
// Some names are links to the newest version of a licence; each text is wanted once.
const texts = [
  ...new Set(readdirSync(folder).map((name) => basename(realpathSync(join(folder, name))))),
].sort()

/** All runs of three words in a text. */
function phrases(name) {
  const words =
    readFileSync(join(folder, name), 'utf8')
      .toLowerCase()
      .match(/\p{L}+/gu) ?? []
  return new Set(words.slice(2).map((_, index) => words.slice(index, index + 3).join(' ')))
}

/** Shared phrases over all phrases (Jaccard's index): 1 for equal texts, 0 for texts with nothing in common. */
function likeness(one, other) {
  let shared = 0
  for (const phrase of one) if (other.has(phrase)) shared += 1
  return shared / (one.size + other.size - shared)
}

const batch = await openBatch({ root: process.argv[2] ?? 'out/nearest', tasks: texts, groupSize: 2 })
const { group } = batch
const allPhrases = new Map(texts.map((name) => [name, phrases(name)]))

for await (const task of batch) {
  const mine = texts.filter((name, index) => name !== task.name && index % group.size === group.rank)
  const found = mine.map((name) => ({
    name,
    likeness: likeness(allPhrases.get(task.name), allPhrases.get(name)),
  }))
  const halves = await group.gather(found)
  if (halves !== undefined) {
    const nearest = halves
      .flat()
      .sort((one, other) => other.likeness - one.likeness || (one.name < other.name ? -1 : 1))
    writeFileSync(join(task.directory, 'nearest.json'), `${JSON.stringify(nearest.slice(0, 3), null, 2)}\n`)
  }
  await task.done()
}
await batch.close()
