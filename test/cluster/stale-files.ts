/** Runs `fixtures/stale-files.mjs` in both nodes. */
import { join } from 'node:path'
import { type Bed, SHARED } from './bed.ts'
import { runRelayed } from './relay.ts'

/** What a node finds after a barrier alone, and after syncBarrierSync. */
export interface Comparison {
  readonly afterBarrier: string
  readonly afterSync: string
}

/** What a node finds of the other one's files. */
export interface StaleFiles {
  readonly newName: Comparison
  readonly newDirectory: Comparison
  /** Whether a file is there that the other one has removed. */
  readonly removedName: { readonly afterBarrier: boolean; readonly afterSync: boolean }
  readonly newContent: Comparison
  /** Text of a file that both have written a half of, or the error of syncBarrierSync. */
  readonly twoWriters: string
  /** Where a counter stands that each has counted up ten times, in turn. */
  readonly counter: number
}

/** Lets both nodes look at files that the other one writes; the first one writes most. */
export async function lookAtStaleFiles(
  bed: Bed,
  name: string,
): Promise<{ readonly writer: StaleFiles; readonly reader: StaleFiles }> {
  const place = `${SHARED}/${bed.rootName(name)}`
  await bed.exec(bed.fileSystem.nodes[0], ['mkdir', place])
  const path = join(import.meta.dirname, 'fixtures/stale-files.mjs')
  const [writer, reader] = await runRelayed<StaleFiles>(bed, { path, argv: [place] })
  return { writer, reader }
}
