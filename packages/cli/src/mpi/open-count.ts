import type { Communicator } from '@mpibatch/batch-core'

/** A communicator that counts what was made of it and is not closed. */
export interface CountedCommunicator {
  readonly communicator: Communicator
  /** Duplicates that are open: each batch has one. */
  readonly openCount: () => number
}

/** Counts the duplicates of a communicator, by which one sees whether a script has closed its batches. */
export function countDuplicates(communicator: Communicator): CountedCommunicator {
  let count = 0
  const counted = delegate(communicator, {
    duplicate: async () => {
      const made = await communicator.duplicate()
      count += 1
      return delegate(made, {
        close: async () => {
          await made.close()
          count -= 1
        },
      })
    },
  })
  return { communicator: counted, openCount: () => count }
}

/** The same communicator with some methods replaced. */
function delegate(target: Communicator, methods: Partial<Communicator>): Communicator {
  return new Proxy(target, {
    get: (_target, name) => {
      const replaced = Reflect.get(methods, name) as unknown
      if (replaced !== undefined) return replaced
      // Its own fields are private to it.
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
