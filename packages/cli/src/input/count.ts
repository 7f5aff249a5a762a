import { ConfigError } from '@mpibatch/batch-core'

/**
 * Reads a whole number; underscores may part its digits, `1_000`.
 *
 * @param what - Where it was given, for the message: `--retries`.
 * @throws {@link ConfigError} if it is no whole number, or out of bounds.
 */
export function parseCount(
  text: string,
  options: { readonly what: string; readonly min: number; readonly max: number },
): number {
  const { what, min, max } = options
  const value = readDigits(text)
  if (value === undefined || value < min || value > max) {
    throw new ConfigError(
      `${what} was given ${JSON.stringify(text)}; it takes a whole number from ${min} to ${max}.`,
    )
  }
  return value
}

/** The number that digits stand for, alone or parted by single underscores; `undefined` for any other text. */
export function readDigits(text: string): number | undefined {
  return /^\d+(_\d+)*$/.test(text) ? Number(text.replaceAll('_', '')) : undefined
}
