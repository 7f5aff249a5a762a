import { EXIT_CODE } from './exit-code.ts'
import { onOutputError } from './output/broken-pipe.ts'
import { programVersion } from './program-version.ts'

/**
 * The program: finds the command, runs it, and sets the exit code of the process. Errors end in one sentence on
 * standard error; `--debug` adds the stack.
 */
export async function main(argv: readonly string[]): Promise<void> {
  process.stdout.on('error', onOutputError)
  process.exitCode = await runProgram(argv)
}

async function runProgram(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  if (name === '--version' || name === '-V') {
    process.stdout.write(`${programVersion()}\n`)
    return EXIT_CODE.done
  }
  const { COMMAND_LIST } = await import('./commands/command-list.ts')
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const { generalHelp } = await import('./output/help.ts')
    const stream = name === undefined ? process.stderr : process.stdout
    stream.write(generalHelp(COMMAND_LIST))
    return name === undefined ? EXIT_CODE.usage : EXIT_CODE.done
  }
  const { loadCommand } = await import('./commands/command.ts')
  const loading = loadCommand(name)
  if (loading === undefined) {
    const { nearest } = await import('./input/nearest.ts')
    const guess = nearest(
      name,
      COMMAND_LIST.map((command) => command.name),
    )
    const hint = guess === undefined ? 'See "mpibatch --help".' : `Did you mean "${guess}"?`
    process.stderr.write(`mpibatch: there is no command ${JSON.stringify(name)}. ${hint}\n`)
    return EXIT_CODE.usage
  }
  try {
    const command = await loading
    return await command.run(rest)
  } catch (error) {
    const { reportError } = await import('./output/report-error.ts')
    return reportError(error, { debug: rest.includes('--debug') })
  }
}
