/**
 * What do licences have from each other, word for word? For each text the longest passage that stands in another too.
 *
 * The first rank puts all words into a shared buffer. Each rank maps it, sorts its share of the places where a passage
 * may begin by what is read from there on, and puts the sorted places into a buffer of its own. What is alike stands
 * side by side then: the first rank maps all shares, and reads them as one sorted list. Nothing is copied on the way;
 * ranks exchange references of a few words.
 *
 *   mpibatch run -j 4 examples/08-shared-buffers/passages.mjs      on four threads
 *   mpirun -n 4 node examples/08-shared-buffers/passages.mjs       in four processes
 *   node examples/08-shared-buffers/passages.mjs                   alone: the same passages
 */
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { basename, join } from 'node:path'
import { openSharedBuffers, worldCommunicator } from 'mpibatch'

const folder = '/usr/share/common-licenses'
// Some names are links to the newest version of a licence; each text is wanted once.
const names = [
  ...new Set(readdirSync(folder).map((name) => basename(realpathSync(join(folder, name))))),
].sort()
const BLANK = 32
const NEWLINE = 10

/** A text as its words in small letters, a blank between two, and a newline at the end, which stands nowhere else. */
function wordsOf(name) {
  const words = readFileSync(join(folder, name), 'utf8')
    .toLowerCase()
    .match(/[a-z0-9]+/g)
  return `${words.join(' ')}\n`
}

/** Orders two places by what is read from there on. */
const compareAt = (bytes, one, other) => bytes.compare(bytes, other, bytes.length, one, bytes.length)

/** How many whole words are the same from two places on. */
function commonWords(bytes, one, other) {
  const isEnd = (byte) => byte === BLANK || byte === NEWLINE
  let count = 0
  for (let length = 0; ; length += 1) {
    const [left, right] = [bytes[one + length], bytes[other + length]]
    if (isEnd(left) && isEnd(right)) count += 1
    if (left !== right || left === NEWLINE) return count
  }
}

/** Goes through sorted lists as if they were one. */
function* merge(lists, compare) {
  const next = lists.map(() => 0)
  for (;;) {
    let first
    for (let index = 0; index < lists.length; index += 1) {
      if (next[index] === lists[index].length) continue
      if (first === undefined || compare(lists[index][next[index]], lists[first][next[first]]) < 0)
        first = index
    }
    if (first === undefined) return
    yield lists[first][next[first]]
    next[first] += 1
  }
}

/** For each text the longest passage that it shares with another, from all places in their order. */
function findPassages(bytes, places, textAt) {
  const longest = names.map(() => ({ count: 0, start: 0, other: 0 }))
  const note = (text, count, start, other) => {
    if (count > longest[text].count) longest[text] = { count, start, other }
  }
  // The last place of each text, and how many words everything since then has in common with it.
  const before = new Map()
  for (const [index, place] of places.entries()) {
    const text = textAt(place)
    const common = index === 0 ? 0 : commonWords(bytes, places[index - 1], place)
    for (const [other, seen] of before) {
      seen.count = Math.min(seen.count, common)
      if (seen.count === 0) before.delete(other)
      else if (other !== text) {
        note(text, seen.count, place, other)
        note(other, seen.count, seen.place, text)
      }
    }
    before.set(text, { place, count: Number.POSITIVE_INFINITY })
  }
  return longest
}

const world = await worldCommunicator()
const buffers = await openSharedBuffers()

const texts = world.rank === 0 ? names.map(wordsOf) : []
const words = world.rank === 0 ? await buffers.put(Buffer.from(texts.join(''))) : undefined
const wordsView = await buffers.map(await world.broadcast(words))
const { buffer, byteOffset, length } = wordsView.values
const bytes = Buffer.from(buffer, byteOffset, length)

const starts = []
for (let place = 0, word = 0; place < length; place += 1) {
  if (place > 0 && bytes[place - 1] !== BLANK && bytes[place - 1] !== NEWLINE) continue
  if (word % world.size === world.rank) starts.push(place)
  word += 1
}
const sorted = Uint32Array.from(starts).sort((one, other) => compareAt(bytes, one, other))
const shares = await world.allgather(await buffers.put(sorted))

if (world.rank === 0) {
  const views = []
  for (const share of shares) views.push(await buffers.map(share))
  const places = [
    ...merge(
      views.map(({ values }) => values),
      (one, other) => compareAt(bytes, one, other),
    ),
  ]
  const ends = []
  for (const text of texts) ends.push((ends.at(-1) ?? 0) + text.length)
  const passages = findPassages(bytes, places, (place) => ends.findIndex((end) => place < end))
  for (const [text, { count, start, other }] of passages.entries()) {
    const from = bytes.toString('latin1', start, bytes.indexOf(NEWLINE, start))
    const beginning = from.split(' ', Math.min(count, 6)).join(' ')
    console.log(
      `${names[text].padEnd(12)} ${String(count).padStart(5)} words of ${names[other].padEnd(12)} "${beginning} ..."`,
    )
  }
  for (const view of views) view.close()
}
// A share is there as long as somebody holds it: nobody leaves before the first rank has read them.
await world.barrier()
wordsView.close()
await buffers.close()
