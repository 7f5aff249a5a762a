import { UsageError } from './errors.ts'

/** A copy as another rank gets it. @throws {@link UsageError} if it can't be copied. */
export function copyMessage<T>(value: T): T {
  return withCopyErrors(() => structuredClone(value))
}

/** Takes a step that copies something for another rank, and says what can't be copied. */
export function withCopyErrors<T>(step: () => T): T {
  try {
    return step()
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'DataCloneError')) throw error
    throw new UsageError(
      `This can't be sent to another rank: ${error.message} Send plain data: no functions, no open handles.`,
      { cause: error },
    )
  }
}
