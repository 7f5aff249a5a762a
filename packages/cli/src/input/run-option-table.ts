/** The options of `mpibatch run`: parsing, help and completion all read this one table. */

/** One option. */
export interface OptionDefinition {
  /** Without the dashes. An option of one letter has one dash. */
  readonly name: string
  /** A second name, of one letter. */
  readonly alias?: string
  /** Whether it takes nothing, a text, or texts by being given several times. */
  readonly kind: 'flag' | 'text' | 'list'
  /** What the text is called in help: `DIR`. */
  readonly valueName?: string
  /** The only texts that it takes. */
  readonly choices?: readonly string[]
  /** What help says is taken when it is left out. */
  readonly default?: string
  /** One line. */
  readonly description: string
  /** What a shell offers for its text, besides the choices. */
  readonly completes?: 'file' | 'directory'
}

/** Every option of `mpibatch run` in this version, in the order of help. */
export const RUN_OPTIONS: readonly OptionDefinition[] = [
  text('c', 'LINE', 'run LINE through /bin/sh for each task; values are quoted'),
  { ...text('arg-file', 'FILE', 'a task for each line; - is standard input'), alias: 'a', completes: 'file' },
  text('array', 'SPEC', 'a task for each number: 0-99, 0-99:2, 1,5,7-9; %4 behind it: at most 4 at once'),
  { ...text('csv', 'FILE', 'a task for each row; the first line names the columns'), completes: 'file' },
  { ...text('tsv', 'FILE', 'the same with columns parted by tabs'), completes: 'file' },
  { ...text('from-json', 'FILE', 'a task for each item of an array, or for each line'), completes: 'file' },
  { ...text('root', 'DIR', 'the task root', 'mpibatch.out'), completes: 'directory' },
  text('name', 'TEMPLATE', "a task's directory name", 'task_{#}'),
  {
    ...text(
      'jobs',
      'N|P%',
      'slots or ranks on this machine; under MPI, slots of each rank',
      'all processors; 1',
    ),
    alias: 'j',
  },
  text('group-size', 'K', 'ranks that run a task together', '1'),
  choice(
    'group-exec',
    ['leader', 'all'],
    'leader',
    "who of a group runs the task's command: the first, or each",
  ),
  text('launcher', 'WORDS', "start the ranks through MPI's launcher: --launcher 'mpirun -n 64'"),
  text('restarts', 'N', 'start them again when a rank or a node is lost, up to N times', '3'),
  text('retries', 'N', 'run a failed task again, up to N times', '0'),
  text('retry-delay', 'DUR', 'wait before the first retry; doubles with each', '1s'),
  text('crash-limit', 'N', 'a task whose owner died so often becomes FAILED', '5'),
  text('timeout', 'DUR', 'end a task that runs longer; it counts as failed'),
  text('halt', 'SPEC', 'end the run early: soon,fail=3 · now,fail=10% · soon,done=100 · never', 'never'),
  flag('fail-fast', 'the same as --halt now,fail=1'),
  flag('retry-failed', 'also run tasks that are FAILED'),
  flag('rerun', 'also run tasks that are DONE'),
  flag('steal-running', 'also run tasks that are RUNNING elsewhere'),
  flag('accept-changes', 'go on though known tasks would run something else; they are opened again'),
  flag('wait', 'when only tasks that run elsewhere are left, wait, and take over what dies'),
  text('time-limit', 'DUR|auto', 'start nothing that would not end in time; auto asks Slurm'),
  choice('order', ['given', 'longest', 'shuffle'], 'given', 'order of start; longest by recorded durations'),
  flag('in-task-dir', "run each command in its task's directory"),
  {
    name: 'env',
    kind: 'list',
    valueName: 'K=V',
    description: "add to the tasks' environment; may be repeated",
  },
  choice('logs', ['all', 'failed', 'none'], 'all', "keep stdout and stderr in the task's directory"),
  flag('print', "also print each task's output when it ends, whole"),
  flag('tag', "the same, with the task's name before each line"),
  flag('keep-order', 'the same, in the order of the tasks'),
  {
    ...text('joblog', 'FILE', "add a line per task that ends, in GNU parallel's columns"),
    completes: 'file',
  },
  choice(
    'durability',
    ['none', 'terminal', 'full'],
    'terminal',
    'what is synced to disk: nothing, ends of tasks, all',
  ),
  choice('progress', ['auto', 'bar', 'plain', 'none'], 'auto', 'how progress is shown on standard error'),
  flag('dry-run', 'print what would run, and run nothing'),
  flag('json', 'print the summary as one JSON object'),
  flag('debug', 'show the stack of errors'),
  { ...flag('help', 'show this help'), alias: 'h' },
]

/** How an option is written on a command line: `--root`, `-c`. */
export function spellingOf(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`
}

function text(name: string, valueName: string, description: string, otherwise?: string): OptionDefinition {
  return {
    name,
    kind: 'text',
    valueName,
    description,
    ...(otherwise === undefined ? {} : { default: otherwise }),
  }
}

function choice(
  name: string,
  choices: readonly string[],
  otherwise: string,
  description: string,
): OptionDefinition {
  return { name, kind: 'text', valueName: choices.join('|'), choices, default: otherwise, description }
}

function flag(name: string, description: string): OptionDefinition {
  return { name, kind: 'flag', description }
}
