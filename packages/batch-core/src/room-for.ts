/** Typed arrays of numbers that hold one value per thing, of which there may be more to come. */
type Column = Uint8Array | Int32Array | Uint32Array | Float64Array

/**
 * Makes sure that a column has a place of some index.
 *
 * @returns The column itself, or a copy that is at least twice as long, so that growing one by one costs little; new
 *   places hold 0.
 */
export function roomFor<T extends Column>(column: T, index: number): T {
  if (index < column.length) return column
  const longer = new (column.constructor as new (length: number) => T)(Math.max(2 * column.length, index + 1))
  longer.set(column)
  return longer
}
