import { onThreads } from '../ranks.mjs'

/** What `MapReduce.map` costs: items per second of work that does nothing. */
export const row = {
  name: 'map-reduce',
  title: 'Items a second that `MapReduce.map` goes over whose work does nothing, on threads',
  sizes: { ranks: 2, rounds: 3 },
  small: { ranks: 2, rounds: 1 },
  measure({ ranks }) {
    let rates = {}
    const way = (name, run) => ({ who: name, unit: 'items/s', run })
    // One program measures all ways, the first of which starts it.
    const first = 'default chunk'
    const others = [
      'default chunk, reduce in order',
      'chunk 1',
      'chunk 1, ordered section',
      'chunk 1, critical',
    ]
    const start = () => {
      rates = onThreads(ranks, 'map-rates.mjs', [])
      return rates[first]
    }
    return { ways: [way(first, start), ...others.map((name) => way(name, () => rates[name]))], wants: [] }
  },
}
