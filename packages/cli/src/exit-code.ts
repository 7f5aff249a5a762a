/** Exit codes of the command line; scripts rely on them. */
export const EXIT_CODE = {
  /** All tasks are DONE. */
  done: 0,
  /** Some task failed, or is not done. */
  notDone: 1,
  /** The user has to change something: options, a list, a changed task. */
  usage: 2,
  /** The environment has to change: store, file system, MPI. */
  environment: 3,
  /** A bug of ours. */
  bug: 70,
  /** Ended by SIGINT. */
  interrupted: 130,
  /** Ended by SIGTERM or SIGUSR1. */
  terminated: 143,
} as const
