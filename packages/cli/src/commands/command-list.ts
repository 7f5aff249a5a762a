/** A command as help and completion know it, without its code. */
export interface CommandDescription {
  readonly name: string
  /** How it is called, after the program's name. */
  readonly usage: string
  /** One line. */
  readonly description: string
}

/** Every command, in the order of help. Apart from the commands' code, which may read it. */
export const COMMAND_LIST: readonly CommandDescription[] = [
  {
    name: 'run',
    usage: 'run [options] -- COMMAND [ARG…] | run [options] JOB.mjs',
    description: 'run a command or job script once per task',
  },
  {
    name: 'status',
    usage: 'status [ROOT]',
    description: 'counts by state, what runs where, last failures; --watch goes on',
  },
  {
    name: 'list',
    usage: 'list [ROOT]',
    description: 'a line per task: name, state, attempts, exit, duration, host',
  },
  { name: 'logs', usage: 'logs [ROOT] TASK…', description: "print a task's output" },
  {
    name: 'explain',
    usage: 'explain [ROOT] TASK',
    description: 'why a task is in its state, and what will happen next',
  },
  { name: 'check', usage: 'check [ROOT]', description: 'silent; exit 0 if all tasks are DONE, 1 if not' },
  { name: 'retry', usage: 'retry [ROOT] [TASK…]', description: 'open FAILED tasks again' },
  {
    name: 'recover',
    usage: 'recover [ROOT] [TASK…]',
    description: 'open RUNNING tasks whose owner is dead again',
  },
  { name: 'rerun', usage: 'rerun [ROOT] [TASK…]', description: 'open all tasks again' },
  {
    name: 'report',
    usage: 'report [ROOT] [-o FILE.html]',
    description: 'write a page on what ran: timeline, durations, failures, where time went, advice',
  },
  {
    name: 'serve',
    usage: 'serve [ROOT]',
    description: 'a live page: progress, a grid of tasks, logs; on this machine only',
  },
  {
    name: 'doctor',
    usage: 'doctor [DIR]',
    description: 'is this directory safe for a task root; finds and repairs what is wrong in one',
  },
  {
    name: 'export',
    usage: 'export [ROOT] --joblog|--csv|--json',
    description: 'print the table of every attempt',
  },
  {
    name: 'gc',
    usage: 'gc [ROOT]',
    description: 'remove what nothing needs any more; refuses while an instance lives',
  },
  {
    name: 'submit',
    usage: 'submit [--time … --nodes …] -- run …',
    description: 'send a Slurm job that drains before its time limit and goes on in another',
  },
  { name: 'completion', usage: 'completion bash|zsh|fish', description: 'print a shell completion script' },
]
