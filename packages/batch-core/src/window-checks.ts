import { UsageError } from './errors.ts'

/** @throws {@link UsageError} if a window of `length` words has no word `index`. @returns The index. */
export function checkWordIndex(index: number, length: number): number {
  if (Number.isInteger(index) && index >= 0 && index < length) return index
  throw new UsageError(`The window has no word ${index}; its words count from 0 to ${length - 1}.`, {
    details: { index, length },
  })
}

/** @throws {@link UsageError} if a window of `length` words has no `count` words from word `index` on. */
export function checkWordBlock(index: number, count: number, length: number): void {
  const isBlock = Number.isInteger(index) && index >= 0 && Number.isInteger(count) && count >= 0
  if (isBlock && index + count <= length) return
  throw new UsageError(
    `The window has no block of ${count} words from word ${index} on; its words count from 0 to ${length - 1}.`,
    { details: { index, count, length } },
  )
}

/** @throws {@link UsageError} if a window's word can't hold the value. @returns The value. */
export function checkInt32(value: number): number {
  if ((value | 0) === value) return value
  throw new UsageError(`${value} is no Int32. A window's words hold integers from -2147483648 to 2147483647.`)
}

/** @throws {@link UsageError} if this is no Int32Array. @returns The values. */
export function checkWordValues(values: Int32Array): Int32Array {
  if (values instanceof Int32Array) return values
  throw new UsageError(`A block of a window's words is an Int32Array, but this is none: ${String(values)}.`)
}
