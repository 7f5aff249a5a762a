import { type CompletionCommand, spellingsOf, spellingsThat } from './completion-model.ts'

/** Makes the completion script for bash; `source <(mpibatch completion bash)` switches it on. */
export function bashCompletion(commands: readonly CompletionCommand[]): string {
  return `# Completion of mpibatch for bash
_mpibatch() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} word
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quote(commands.map(({ name }) => name).join(' '))} -- "$current"))
    return
  fi
  # Behind -- stands a command of the user's own, and behind ::: its values.
  local index dashes=0
  for ((index = 2; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    case $word in
      --) dashes=$index; break ;;
      ::*) COMPREPLY=($(compgen -f -- "$current")); return ;;
    esac
  done
  if [ "$dashes" -gt 0 ]; then
    if [ "$COMP_CWORD" -eq $((dashes + 1)) ]; then COMPREPLY=($(compgen -c -- "$current"))
    else COMPREPLY=($(compgen -f -- "$current")); fi
    return
  fi
  case \${COMP_WORDS[1]} in
${commands.map(commandCase).join('\n')}
  esac
}
complete -o filenames -o bashdefault -F _mpibatch mpibatch
`
}

function commandCase(command: CompletionCommand): string {
  const choices = command.options.filter((option) => option.choices !== undefined)
  const cases = [
    ...choices.map((option) => ({
      spellings: spellingsOf(option),
      reply: `-W ${quote(option.choices?.join(' ') ?? '')}`,
    })),
    { spellings: spellingsThat(command, ({ completes }) => completes === 'directory'), reply: '-d' },
    { spellings: spellingsThat(command, ({ completes }) => completes === 'file'), reply: '-f' },
  ].filter(({ spellings }) => spellings.length > 0)
  const freeTexts = spellingsThat(
    command,
    (option) => option.kind !== 'flag' && option.choices === undefined && option.completes === undefined,
  )
  const lines = cases.map(
    ({ spellings, reply }) =>
      `        ${spellings.join('|')}) COMPREPLY=($(compgen ${reply} -- "$current")); return ;;`,
  )
  if (freeTexts.length > 0) lines.push(`        ${freeTexts.join('|')}) return ;;`)
  const options = command.options.flatMap(spellingsOf).join(' ')
  const words = command.words === undefined ? '-f' : `-W ${quote(command.words.join(' '))}`
  return `    ${command.name})
      case $previous in
${[...lines, '        *) ;;'].join('\n')}
      esac
      case $current in
        -*) COMPREPLY=($(compgen -W ${quote(options)} -- "$current")) ;;
        *) COMPREPLY=($(compgen ${words} -- "$current")) ;;
      esac
      ;;`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
