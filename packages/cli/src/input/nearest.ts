/**
 * The candidate that a mistyped word most likely stands for.
 *
 * @returns `undefined` when nothing is near enough to be a slip of the finger.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: { readonly candidate: string; readonly distance: number } | undefined
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate)
    if (distance > slipsMax(candidate)) continue
    if (best === undefined || distance < best.distance) best = { candidate, distance }
  }
  if (best !== undefined) return best.candidate
  return word.length < 3 ? undefined : candidates.find((candidate) => candidate.startsWith(word))
}

/** A third of the letters may be wrong; more, and the guess would puzzle more than it helps. */
function slipsMax(candidate: string): number {
  return Math.max(1, Math.floor(candidate.length / 3))
}

/** Number of letters to add, drop or replace, or of neighbours to swap, that turn one word into the other. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1]
      let distance = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      )
      if (from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        distance = Math.min(distance, (beforeLast[column - 2] ?? Number.POSITIVE_INFINITY) + 1)
      }
      current.push(distance)
    }
    beforeLast = last
    last = current
  }
  return last[to.length] ?? 0
}
