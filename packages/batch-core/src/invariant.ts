import { InvariantError } from './errors.ts'

/**
 * States what must hold; where it doesn't, mpibatch itself is wrong.
 *
 * @throws {@link InvariantError} when `condition` is false.
 */
export function invariant(condition: unknown, statement: string): asserts condition {
  if (!condition) {
    throw new InvariantError(`${statement}. This is a bug of mpibatch; please report it with this message.`)
  }
}
