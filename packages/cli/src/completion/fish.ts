import type { OptionDefinition } from '../input/run-option-table.ts'
import type { CompletionCommand } from './completion-model.ts'

/** Makes the completion script for fish: `mpibatch completion fish | source`. */
export function fishCompletion(commands: readonly CompletionCommand[]): string {
  const names = commands.map(({ name }) => name).join(' ')
  const lines = commands.flatMap((command) => [
    `complete -c mpibatch -f -n "not __fish_seen_subcommand_from ${names}" -a ${command.name} -d ${quote(command.description)}`,
    ...command.options.map((option) => optionLine(command, option)),
    ...(command.words === undefined
      ? []
      : [
          `complete -c mpibatch -f -n "__fish_seen_subcommand_from ${command.name}" -a ${quote(command.words.join(' '))}`,
        ]),
    ...(command.runsCommand === true
      ? [`complete -c mpibatch -n '__mpibatch_behind_dashes' -a '(__fish_complete_subcommand --fcs-skip=3)'`]
      : []),
  ])
  return `# Completion of mpibatch for fish
function __mpibatch_behind_dashes
  contains -- -- (commandline -opc)
end
${lines.join('\n')}
`
}

function optionLine(command: CompletionCommand, option: OptionDefinition): string {
  const { name, alias, kind, choices, completes, description } = option
  const short = name.length === 1 ? name : alias
  const words = [
    'complete -c mpibatch',
    `-n "__fish_seen_subcommand_from ${command.name}; and not __mpibatch_behind_dashes"`,
    ...(short === undefined ? [] : [`-s ${short}`]),
    ...(name.length === 1 ? [] : [`-l ${name}`]),
    ...(kind === 'flag' ? [] : ['-r']),
    ...(kind !== 'flag' && completes === undefined ? ['-f'] : []),
    ...(choices === undefined ? [] : [`-a ${quote(choices.join(' '))}`]),
    ...(completes === 'directory' ? ["-f -a '(__fish_complete_directories)'"] : []),
    `-d ${quote(description)}`,
  ]
  return words.join(' ')
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
