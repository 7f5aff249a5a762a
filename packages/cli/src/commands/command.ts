/** One command of the program. It prints results on standard output, all else on standard error. */
export interface Command {
  /** Runs the command with the words behind its name, and resolves to the exit code. */
  run(argv: readonly string[]): Promise<number>
}

/** Loads a command's code when it is asked for, so that the program starts fast. */
const LOADERS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.ts')).runCommand,
  status: async () => (await import('./status.ts')).statusCommand,
  list: async () => (await import('./list.ts')).listCommand,
  logs: async () => (await import('./logs.ts')).logsCommand,
  explain: async () => (await import('./explain.ts')).explainCommand,
  check: async () => (await import('./check.ts')).checkCommand,
  retry: async () => (await import('./reopen.ts')).retryCommand,
  recover: async () => (await import('./reopen.ts')).recoverCommand,
  rerun: async () => (await import('./reopen.ts')).rerunCommand,
  report: async () => (await import('./report.ts')).reportCommand,
  serve: async () => (await import('./serve.ts')).serveCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  export: async () => (await import('./export.ts')).exportCommand,
  gc: async () => (await import('./gc.ts')).gcCommand,
  submit: async () => (await import('./submit.ts')).submitCommand,
  completion: async () => (await import('./completion.ts')).completionCommand,
}

/** Loads a command of {@link COMMAND_LIST}; `undefined` if there is none of that name. */
export function loadCommand(name: string): Promise<Command> | undefined {
  return Object.hasOwn(LOADERS, name) ? LOADERS[name]?.() : undefined
}

/** Names that {@link loadCommand} knows, to be held against the list. */
export const LOADED_COMMANDS: readonly string[] = Object.keys(LOADERS)
