/**
 * Which list of tasks the manifest was last found to hold, or brought up to date with. The next start with that list then
 * compares none of its tasks: it would read a line and make a fingerprint for each.
 *
 * A hint, written where a comparison takes long: `{"format":"mpibatch plan","version":1,"digest":…,"segments":[…]}` with the
 * identity, size and times of each segment, so that it counts only as long as none was added, replaced or edited.
 * What can't be read, or says something else, counts as absent.
 */
import type { PlannedTasks } from '@mpibatch/batch-core'
import { createOwnFile, readSmallText, removeFile, withFile } from './file-access.ts'
import type { FileLayer } from './file-layer.ts'
import { codeOf } from './io-error.ts'
import { parseObject } from './json-object.ts'
import { countSegments } from './manifest.ts'
import { knownPlanPath, manifestPath } from './store-paths.ts'

/** Lists with fewer tasks are always compared: that is fast. */
const TASKS_MIN = 10_000
/** Largest file; a manifest of more segments than go into it is always compared. */
const SIZE_MAX = 1 << 16

/** The digest of a list that is worth being noted; `undefined` for others. */
function notedDigest({ length, digest }: Pick<PlannedTasks, 'length' | 'digest'>): string | undefined {
  return length < TASKS_MIN ? undefined : digest
}

/**
 * Tells whether the manifest holds exactly these tasks, as far as that was noted.
 *
 * @returns The number of its segments; `undefined` if the tasks must be compared.
 */
export function findKnownPlan(
  files: FileLayer,
  root: string,
  tasks: PlannedTasks,
): { readonly segmentCount: number } | undefined {
  try {
    const text = readSmallText(files, knownPlanPath(root), SIZE_MAX)
    if (text === undefined) return undefined
    const digest = notedDigest(tasks)
    const segmentCount = countSegments(files, root)
    if (digest === undefined || parseObject(text)?.digest !== digest) return undefined
    return text === printPlan(files, root, { digest, segmentCount }) ? { segmentCount } : undefined
  } catch (error) {
    if (codeOf(error) === '') throw error
    return undefined
  }
}

/** Notes that the first segments of the manifest hold these tasks. Where that fails, nothing is lost. */
export async function noteKnownPlan(
  files: FileLayer,
  root: string,
  options: { readonly tasks: PlannedTasks; readonly segmentCount: number; readonly staged: string },
): Promise<void> {
  const { tasks, segmentCount, staged } = options
  const digest = notedDigest(tasks)
  if (digest === undefined) return
  try {
    const text = printPlan(files, root, { digest, segmentCount })
    if (text.length > SIZE_MAX) return
    try {
      await createOwnFile(files, staged, { text, sync: false })
      files.rename(staged, knownPlanPath(root))
    } catch (error) {
      removeFile(files, staged)
      throw error
    }
  } catch (error) {
    if (codeOf(error) === '') throw error
  }
}

function printPlan(
  files: FileLayer,
  root: string,
  { digest, segmentCount }: { readonly digest: string; readonly segmentCount: number },
): string {
  const segments = Array.from({ length: segmentCount }, (_, position) =>
    withFile(files, manifestPath(root, position + 1), (descriptor) => files.stampOf(descriptor)),
  )
  return `${JSON.stringify({ format: 'mpibatch plan', version: 1, digest, segments })}\n`
}
