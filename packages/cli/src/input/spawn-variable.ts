import { ConfigError } from '@mpibatch/batch-core'

/**
 * Reads the environment variable `MPIBATCH_SPAWN`: `portable` starts commands through Node's own `child_process`, as on a
 * machine for which the addon was not built.
 *
 * @returns `undefined` if nothing is said.
 * @throws {@link ConfigError}
 */
export function readSpawning(text: string | undefined): 'portable' | undefined {
  if (text === undefined || text === '') return undefined
  if (text === 'portable') return text
  throw new ConfigError(
    `The environment variable MPIBATCH_SPAWN has ${JSON.stringify(text)}. Write portable, or leave it out.`,
  )
}
