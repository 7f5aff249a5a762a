/**
 * Answers that are there at once or come later. What is done to a task mostly waits for nothing (its table is in memory,
 * a store's calls are short), and each promise on the way costs as much as the work itself.
 */

/** A value that is there, or a promise of it. */
export type Awaitable<T> = T | Promise<T>

/** Whether an answer comes later: a promise, also one of another realm or of a library that brings its own. */
export function comesLater<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value
}

/**
 * Goes on with a value: at once if it is there, else when its promise is kept. What `use` throws is thrown, or rejects the
 * promise that is returned.
 */
export function whenThere<T, U>(value: Awaitable<T>, use: (value: T) => Awaitable<U>): Awaitable<U> {
  return comesLater(value) ? value.then(use) : use(value)
}

/** Calls, and hands over what the call throws, or what its promise is rejected with. */
export function catching<T>(
  call: () => Awaitable<T>,
  handle: (error: unknown) => Awaitable<T>,
): Awaitable<T> {
  try {
    const result = call()
    return comesLater(result) ? result.then(undefined, handle) : result
  } catch (error) {
    return handle(error)
  }
}
