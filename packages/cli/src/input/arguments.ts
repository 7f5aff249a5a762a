import { ConfigError } from '@mpibatch/batch-core'
import { findOption } from './find-option.ts'

/** One list behind the command: what follows `:::`, `:::+`, `::::` or `::::+`, up to the next of them. */
export interface ListArgument {
  /** Whether the words are the values, or files that hold them. */
  readonly kind: 'values' | 'files'
  /** Whether it goes row by row with the list before it, instead of being combined with it. */
  readonly paired: boolean
  readonly words: readonly string[]
}

/** The words behind `mpibatch run`, taken apart. */
export interface RunArguments {
  /** What `parseRunOptions` reads. */
  readonly options: readonly string[]
  /** A job script, if the first word that is no option is one. */
  readonly script: string | undefined
  readonly scriptArguments: readonly string[]
  /** The words behind `--`, unless they are a script's. */
  readonly command: readonly string[] | undefined
  readonly lists: readonly ListArgument[]
}

const SCRIPT = /\.[cm]?[jt]s$/
const SEPARATORS: Readonly<Record<string, Omit<ListArgument, 'words'>>> = {
  ':::': { kind: 'values', paired: false },
  ':::+': { kind: 'values', paired: true },
  '::::': { kind: 'files', paired: false },
  '::::+': { kind: 'files', paired: true },
}

/**
 * Takes the words behind `mpibatch run` apart: options, the job script or the command behind `--`, and the lists,
 * which end the line: a word behind `:::` is a value, even if it looks like an option.
 *
 * @throws {@link ConfigError} for an unknown option, and a word that is neither an option nor a job script.
 */
export function splitRunArguments(argv: readonly string[]): RunArguments {
  const listStart = argv.findIndex((word) => Object.hasOwn(SEPARATORS, word))
  const line = listStart < 0 ? argv : argv.slice(0, listStart)
  const dashes = line.indexOf('--')
  const head = dashes < 0 ? line : line.slice(0, dashes)
  const tail = dashes < 0 ? undefined : line.slice(dashes + 1)
  const { options, positionals } = takeOptions(head)
  const [script, extra] = positionals
  if (script !== undefined && !SCRIPT.test(script)) {
    throw new ConfigError(
      `${JSON.stringify(script)} is no option and no job script (.mjs, .js, .ts, …). ` +
        `Put -- before a command: mpibatch run -- ${script} …`,
    )
  }
  if (extra !== undefined) {
    throw new ConfigError(
      `${JSON.stringify(extra)} follows the job script ${script}. Put -- before the script's own arguments.`,
    )
  }
  return {
    options,
    script,
    scriptArguments: script === undefined ? [] : (tail ?? []),
    command: script === undefined ? tail : undefined,
    lists: listStart < 0 ? [] : splitLists(argv.slice(listStart)),
  }
}

function takeOptions(words: readonly string[]): { options: string[]; positionals: string[] } {
  const options: string[] = []
  const positionals: string[] = []
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? ''
    if (!word.startsWith('-') || word === '-') {
      positionals.push(word)
      continue
    }
    options.push(word)
    if (takesNextWord(word) && index + 1 < words.length) {
      index += 1
      options.push(words[index] ?? '')
    }
  }
  return { options, positionals }
}

/**
 * The words behind `mpibatch run` without some of its options and their values; what stands behind `--` or begins a
 * list is not looked at.
 *
 * @param names - Without dashes.
 */
export function withoutOptions(argv: readonly string[], names: readonly string[]): readonly string[] {
  const end = argv.findIndex((word) => word === '--' || Object.hasOwn(SEPARATORS, word))
  const kept: string[] = []
  const head = end < 0 ? argv : argv.slice(0, end)
  for (let index = 0; index < head.length; index += 1) {
    const word = head[index] ?? ''
    const isOption = word.startsWith('-') && word !== '-'
    const words = isOption && takesNextWord(word) ? head.slice(index, index + 2) : [word]
    index += words.length - 1
    if (!isOption || !names.includes(findOption(word).name)) kept.push(...words)
  }
  return [...kept, ...(end < 0 ? [] : argv.slice(end))]
}

/** A value may stand in the same word: `--root=DIR`, `-j4`. */
function takesNextWord(word: string): boolean {
  return findOption(word).kind !== 'flag' && (word.startsWith('--') ? !word.includes('=') : word.length === 2)
}

function splitLists(words: readonly string[]): ListArgument[] {
  const lists: (Omit<ListArgument, 'words'> & { words: string[] })[] = []
  for (const word of words) {
    const separator = Object.hasOwn(SEPARATORS, word) ? SEPARATORS[word] : undefined
    if (separator !== undefined) lists.push({ ...separator, words: [] })
    else lists.at(-1)?.words.push(word)
  }
  return lists
}
