import { showWords } from '../input/shell-quoting.ts'
import { takeSupervisorToken } from '../launch/supervised.ts'

/**
 * What this process runs, as a person would type it behind the program's name: without what a supervisor, or a job of
 * `mpibatch submit`, has put before it (pure).
 *
 * @param argv - The words behind the program.
 */
export function ownCommand(argv: readonly string[]): string {
  const start = argv[0] === 'submit' ? argv.indexOf('--') + 1 : 0
  const [name = '', ...rest] = argv.slice(start)
  return showWords([name, ...takeSupervisorToken(rest).words])
}
