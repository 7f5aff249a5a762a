import { type OptionDefinition, RUN_OPTIONS, spellingOf } from './run-option-table.ts'

/** The options of `mpibatch run` with what they mean, for help: one line each, made from their table. */
export function runOptionsHelp(): string {
  const rows = RUN_OPTIONS.map((option) => ({ left: leftColumn(option), right: rightColumn(option) }))
  const width = Math.max(...rows.map(({ left }) => left.length))
  return `Options:\n${rows.map(({ left, right }) => `  ${left.padEnd(width)}  ${right}`).join('\n')}`
}

function leftColumn({ name, alias, kind, valueName, choices }: OptionDefinition): string {
  const short = alias === undefined ? '' : `-${alias}, `
  // Choices stand on the right, where there is room for them.
  const value = kind === 'flag' || choices !== undefined ? '' : ` ${valueName ?? 'VALUE'}`
  return `${(short || '    ').slice(name.length === 1 ? 4 : 0)}${spellingOf(name)}${value}`
}

function rightColumn({ description, choices, default: otherwise }: OptionDefinition): string {
  const values = choices === undefined ? '' : `: ${choices.join(', ')}`
  return `${description}${values}${otherwise === undefined ? '' : ` (${otherwise})`}`
}
