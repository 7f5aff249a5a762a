/** One command of the program. It prints results on standard output, all else on standard error. */
export interface Command {
  /** Runs the command with the words behind its name, and resolves to the exit code. */
  run(argv: readonly string[]): Promise<number>
}

/** A command as the list of commands knows it; its code is loaded when it is asked for. */
export interface CommandEntry {
  readonly name: string
  /** How it is called, after the program's name. */
  readonly usage: string
  /** One line for help and completion. */
  readonly description: string
  readonly load: () => Promise<Command>
}

/** Every command, in the order of help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'run',
    usage: 'run [options] -- COMMAND [ARG…] | run [options] JOB.mjs',
    description: 'run a command or job script once per task',
    load: async () => (await import('./run.ts')).runCommand,
  },
  {
    name: 'status',
    usage: 'status [ROOT]',
    description: 'counts by state, what runs where, last failures',
    load: async () => (await import('./status.ts')).statusCommand,
  },
  {
    name: 'list',
    usage: 'list [ROOT]',
    description: 'a line per task: name, state, attempts, exit, duration, host',
    load: async () => (await import('./list.ts')).listCommand,
  },
  {
    name: 'logs',
    usage: 'logs [ROOT] TASK…',
    description: "print a task's output",
    load: async () => (await import('./logs.ts')).logsCommand,
  },
  {
    name: 'check',
    usage: 'check [ROOT]',
    description: 'silent; exit 0 if all tasks are DONE, 1 if not',
    load: async () => (await import('./check.ts')).checkCommand,
  },
  {
    name: 'retry',
    usage: 'retry [ROOT] [TASK…]',
    description: 'open FAILED tasks again',
    load: async () => (await import('./reopen.ts')).retryCommand,
  },
  {
    name: 'recover',
    usage: 'recover [ROOT] [TASK…]',
    description: 'open RUNNING tasks whose owner is dead again',
    load: async () => (await import('./reopen.ts')).recoverCommand,
  },
  {
    name: 'rerun',
    usage: 'rerun [ROOT] [TASK…]',
    description: 'open all tasks again',
    load: async () => (await import('./reopen.ts')).rerunCommand,
  },
  {
    name: 'completion',
    usage: 'completion bash|zsh|fish',
    description: 'print a shell completion script',
    load: async () => (await import('./completion.ts')).completionCommand,
  },
]
