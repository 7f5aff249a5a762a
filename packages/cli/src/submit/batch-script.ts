import { showWords } from '../input/shell-quoting.ts'
import { printSlurmTime } from './slurm-time.ts'
import type { SubmitOptions } from './submit-options.ts'

/** What {@link batchScript} puts together. */
export interface BatchScriptParts {
  readonly options: SubmitOptions
  /** How often the job may still submit its continuation. */
  readonly left: number
  /** The words that start this program: Node, and the file. */
  readonly program: readonly string[]
  /** The words behind `mpibatch submit` that make the same job again, without those of the run. */
  readonly submitWords: readonly string[]
  /** The words behind `mpibatch run`. */
  readonly runWords: readonly string[]
}

/**
 * The script of a job (pure). Its shell becomes this program, so that Slurm's signal comes here; a job that loses its
 * node is started again by Slurm.
 */
export function batchScript({ options, left, program, submitWords, runWords }: BatchScriptParts): string {
  const { timeSeconds, drainSeconds, sbatch } = options
  const inside = [...program, 'submit', `--inside=${left}`, ...submitWords, '--', 'run', ...runWords]
  const settings = [
    ...(timeSeconds === undefined ? [] : [`--time=${printSlurmTime(timeSeconds)}`]),
    `--signal=B:USR1@${drainSeconds}`,
    '--requeue',
    '--open-mode=append',
    ...sbatch,
  ]
  return [
    '#!/bin/sh',
    ...settings.map((word) => `#SBATCH ${quoteForSbatch(word)}`),
    '',
    `# Finishes what runs when Slurm says that the time is nearly over, and submits itself again while tasks are open.`,
    `exec ${showWords(inside)}`,
    '',
  ].join('\n')
}

/** sbatch splits such a line at blanks, and takes quotes. */
function quoteForSbatch(word: string): string {
  return /[\s"'\\]/.test(word) ? `"${word.replaceAll(/["\\]/g, (character) => `\\${character}`)}"` : word
}
