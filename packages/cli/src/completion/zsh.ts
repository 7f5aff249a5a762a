import type { OptionDefinition } from '../input/run-option-table.ts'
import { type CompletionCommand, spellingsOf } from './completion-model.ts'

/** Makes the completion script for zsh: a file `_mpibatch` in a directory of `$fpath`, or `source <(…)`. */
export function zshCompletion(commands: readonly CompletionCommand[]): string {
  return `#compdef mpibatch
# Completion of mpibatch for zsh
_mpibatch() {
  local -a subcommands
  subcommands=(
${commands.map(({ name, description }) => `    ${quote(`${name}:${description}`)}`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command subcommands
    return
  fi
  local command=$words[2]
  words=("$words[1]" "\${(@)words[3,-1]}")
  (( CURRENT -= 1 ))
  case $command in
${commands.map(commandCase).join('\n')}
  esac
}
if [[ $funcstack[1] == _mpibatch ]]; then _mpibatch "$@"; else compdef _mpibatch mpibatch; fi
`
}

function commandCase(command: CompletionCommand): string {
  const lines = [...command.options.flatMap(optionLines), ...restOf(command)]
  return `    ${command.name})
      _arguments -S \\
${lines.map((line) => `        ${line}`).join(' \\\n')}
      ;;`
}

/** What may stand where no option does. */
function restOf({ runsCommand, words }: CompletionCommand): string[] {
  if (runsCommand === true) return ["'1:command:{ _command_names -e; _files }'", "'*::argument:_normal'"]
  return [words === undefined ? "'*:file:_files'" : quote(`1:word:(${words.join(' ')})`)]
}

function optionLines(option: OptionDefinition): string[] {
  // In a specification, brackets end the description and colons part its fields.
  const description = option.description.replace(/[[\]\\:]/g, '\\$&')
  const repeated = option.kind === 'list' ? '*' : ''
  return spellingsOf(option).map((spelling) => {
    const attached = option.kind === 'flag' ? '' : spelling.startsWith('--') ? '=' : '+'
    return quote(`${repeated}${spelling}${attached}[${description}]${valueSpecOf(option)}`)
  })
}

function valueSpecOf({ kind, choices, completes, name }: OptionDefinition): string {
  if (kind === 'flag') return ''
  if (choices !== undefined) return `:${name}:(${choices.join(' ')})`
  if (completes === 'directory') return `:${name}:_files -/`
  return completes === 'file' ? `:${name}:_files` : `:${name}: `
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
