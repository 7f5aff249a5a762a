import type { CommandDescription } from '../commands/command-list.ts'

/** Help for the program as a whole. */
export function generalHelp(commands: readonly CommandDescription[]): string {
  const width = Math.max(...commands.map((command) => command.name.length))
  const lines = commands.map((command) => `  ${command.name.padEnd(width)}  ${command.description}`)
  return `mpibatch runs many tasks with few workers, and goes on where it was ended.

  mpibatch run -- COMMAND [ARG…] ::: VALUE…    one task per value
  mpibatch run -a LIST -c 'COMMAND {} | …'     one task per line of a file, through a shell
  mpibatch run JOB.mjs                         a job script in every rank

Commands:
${lines.join('\n')}

"mpibatch COMMAND --help" says more. The task root, mpibatch.out unless --root names another, holds a directory per task.
`
}
