import { ConfigMismatchError, UsageError } from './errors.ts'

/**
 * @param what - What names the rank, as the message begins: "The root".
 * @throws {@link UsageError} if there is no such rank among `size`. @returns The rank.
 */
export function checkRank(what: string, rank: unknown, size: number): number {
  if (typeof rank === 'number' && Number.isInteger(rank) && rank >= 0 && rank < size) return rank
  throw new UsageError(`${what} is ${String(rank)}, but the ranks here count from 0 to ${size - 1}.`, {
    details: { rank, size },
  })
}

/**
 * @param what - Who got what, as the message begins: "createWindow got the lengths".
 * @param values - Of all ranks, in their order.
 * @throws {@link ConfigMismatchError} if they differ.
 */
export function checkSame(what: string, values: readonly unknown[]): void {
  if (values.every((value) => value === values[0])) return
  throw new ConfigMismatchError(
    `${what} ${values.join(', ')} from ranks 0 to ${values.length - 1}. Give the same on all ranks.`,
  )
}
