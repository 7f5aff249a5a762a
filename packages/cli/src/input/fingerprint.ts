import { fingerprintOf } from '@mpibatch/batch-core'
import { showWords } from './shell-quoting.ts'

/** What a task runs, as far as its result depends on it. */
export interface CommandContent {
  /** The words of the command, or the one line for the shell; slot, directory and attempt by symbols. */
  readonly words: readonly string[]
  readonly shell: boolean
  readonly environment: Readonly<Record<string, string>>
  readonly inTaskDirectory: boolean
}

/** Longest summary, in characters. */
const SUMMARY_LENGTH_MAX = 500

/**
 * Short hash of what a command task runs: the words with their values, the variables of `--env` in order of name, and
 * whether it runs in its directory. Where and when it runs is no part of it.
 */
export function fingerprintCommand({ words, shell, environment, inTaskDirectory }: CommandContent): string {
  return fingerprintOf([shell ? 'shell' : 'command', words, sortedEntries(environment), inTaskDirectory])
}

/** The same for a person to read, on one line. */
export function summarizeCommand({ words, shell, environment, inTaskDirectory }: CommandContent): string {
  const variables = sortedEntries(environment).map(([name, value]) => `${name}=${showWords([value])} `)
  const command = shell ? words.join(' ') : showWords(words)
  const place = inTaskDirectory ? ' (in its directory)' : ''
  const line = `${variables.join('')}${command}${place}`.replaceAll('\n', '\\n')
  return line.length > SUMMARY_LENGTH_MAX ? `${line.slice(0, SUMMARY_LENGTH_MAX - 1)}…` : line
}

function sortedEntries(environment: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(environment).sort(([one], [other]) => (one < other ? -1 : 1))
}
