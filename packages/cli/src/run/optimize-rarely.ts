import { setFlagsFromString } from 'node:v8'

/** Bytes of code after which V8 looks whether a function is worth optimizing; its own choice is 132 KB. */
const INTERRUPT_BUDGET_BYTES = 1_000_000

/**
 * Lets V8 optimize only what runs for long: of a run of short commands, the optimizing compiler takes a tenth of all
 * processor time, and gains nothing back, since what remains of a task is calls to the system (bench/README.md).
 *
 * Only where it was measured and the flag is known: V8 since version 12 (Node 22) has a cheaper compiler between, and
 * prints an error for it.
 */
export function optimizeRarely(): void {
  if (process.versions.v8.startsWith('11.'))
    setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET_BYTES}`)
}
