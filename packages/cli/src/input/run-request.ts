import { ConfigError } from '@mpibatch/batch-core'
import { splitRunArguments } from './arguments.ts'
import { parseRunOptions, type RunOptions } from './options.ts'
import type { CommandTemplate } from './plan.ts'
import { chooseTaskSource, type TaskSource } from './task-source.ts'

/** What `mpibatch run` was asked to do. */
export interface RunRequest {
  readonly options: RunOptions
  /** `undefined` only when help is asked for. */
  readonly work:
    | CommandTemplate
    | { readonly kind: 'script'; readonly path: string; readonly scriptArguments: readonly string[] }
    | undefined
  /** Where the tasks come from; `undefined`: from the root, or from the job script itself. */
  readonly source: TaskSource | undefined
}

/**
 * Reads the words behind `mpibatch run`.
 *
 * @throws {@link ConfigError} with one sentence for whatever can't be understood; nothing was read or changed.
 */
export function readRunRequest(argv: readonly string[]): RunRequest {
  const words = splitRunArguments(argv)
  const options = parseRunOptions(words.options)
  if (options.help) return { options, work: undefined, source: undefined }
  const { shellLine } = options
  const given = [
    ...(shellLine === undefined ? [] : ["-c 'LINE'"]),
    ...(words.command === undefined ? [] : ['a command behind --']),
    ...(words.script === undefined ? [] : [`the job script ${words.script}`]),
  ]
  if (given.length === 0) {
    throw new ConfigError(
      'There is nothing to run. Give a command behind --, a line for the shell with -c, or a job script: mpibatch run -- COMMAND.',
    )
  }
  if (given.length > 1) throw new ConfigError(`There are ${given.join(' and ')}, but a run has one of them.`)
  return { options, work: workOf(words, shellLine), source: chooseTaskSource(options.source, words.lists) }
}

function workOf(
  words: ReturnType<typeof splitRunArguments>,
  shellLine: string | undefined,
): RunRequest['work'] {
  if (words.script !== undefined) {
    return { kind: 'script', path: words.script, scriptArguments: words.scriptArguments }
  }
  if (shellLine !== undefined) return { kind: 'shell', line: shellLine }
  const [first] = words.command ?? []
  if (first === undefined)
    throw new ConfigError('There is no command behind --. Give one: mpibatch run -- COMMAND.')
  return { kind: 'words', words: words.command ?? [] }
}
