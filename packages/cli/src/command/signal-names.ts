/** Names of signals, also of those for which Node has none (pure). */
import { constants } from 'node:os'

/** The first real-time signal that C libraries leave to programs, and the last; they keep two before it to themselves. */
const REAL_TIME_FIRST = 34
const REAL_TIME_LAST = 64

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(constants.signals),
  ...Array.from({ length: REAL_TIME_LAST - REAL_TIME_FIRST + 1 }, (_, index): [string, number] => [
    index === 0 ? 'SIGRTMIN' : `SIGRTMIN+${index}`,
    REAL_TIME_FIRST + index,
  ]),
])

/** Of the names of a number the first, as Node itself has it: SIGABRT, not SIGIOT. */
const NAMES: ReadonlyMap<number, string> = new Map(
  [...NUMBERS].toReversed().map(([name, number]) => [number, name]),
)

/** The name of a signal: `SIGKILL`; of a real-time signal `SIGRTMIN+3`, as `kill -l` counts (signal(7)). */
export function signalName(number: number): string {
  return NAMES.get(number) ?? `SIG${number}`
}

/** The number of a signal; `undefined` if no signal of this system has the name. */
export function signalNumber(name: string): number | undefined {
  return NUMBERS.get(name)
}
