import { PackedTexts } from '../packed-texts.ts'
import type { AnnouncedTasks } from '../runtime.ts'

/** Tasks as few typed arrays, for another thread: a million objects would be made again there. */
export interface PackedTasks {
  readonly names: PackedTexts['data']
  readonly summaries: PackedTexts['data']
}

/** Packs what the thread that started the job needs of a list. */
export function packTasks(tasks: AnnouncedTasks): PackedTasks {
  const [names, summaries] = [new PackedTexts(), new PackedTexts()]
  for (let index = 0; index < tasks.length; index += 1) {
    const { name = '', summary = '' } = tasks.at(index) ?? {}
    names.add(name)
    summaries.add(summary)
  }
  return { names: names.data, summaries: summaries.data }
}

/** Makes the list again. */
export function unpackTasks(packed: PackedTasks): AnnouncedTasks {
  const [names, summaries] = [PackedTexts.from(packed.names), PackedTexts.from(packed.summaries)]
  return {
    length: names.length,
    at: (index) =>
      index >= 0 && index < names.length
        ? { name: names.at(index), summary: summaries.at(index) }
        : undefined,
  }
}
