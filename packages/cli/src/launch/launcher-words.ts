import { basename } from 'node:path'
import { ConfigError } from '@mpibatch/batch-core'

/**
 * Splits the text of `--launcher` into words, as a shell would, but nothing is expanded: blanks part words, and quotes
 * or a backslash take them in.
 *
 * @throws {@link ConfigError} if there is no word, or a quote is open at the end.
 */
export function splitLauncher(text: string): readonly string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] ?? ''
    if (quote === '' && /\s/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (character === quote) quote = ''
    else if (quote === '' && (character === "'" || character === '"')) {
      quote = character
      word ??= ''
    } else if (character === '\\' && quote !== "'" && index + 1 < text.length) {
      index += 1
      word = (word ?? '') + text[index]
    } else word = (word ?? '') + character
  }
  if (quote !== '') throw new ConfigError(`--launcher has a ${quote} that is never closed: ${text}`)
  if (word !== undefined) words.push(word)
  if (words.length === 0) {
    throw new ConfigError(
      "--launcher was given nothing. Give it the launcher's words: --launcher 'mpirun -n 4'.",
    )
  }
  return words
}

/**
 * Tells srun to end all ranks when one is lost, or ends the job (pure). With `--mpi=pmi2` it does neither by itself, and the
 * others would wait for ever. What the user says about it comes behind, and counts more.
 */
export function endingTogether(words: readonly string[]): readonly string[] {
  const behind = words.findIndex((word) => basename(word) === 'srun') + 1
  if (behind === 0) return words
  return [...words.slice(0, behind), '--kill-on-bad-exit=1', ...words.slice(behind)]
}
