import { type ChildProcess, spawn } from 'node:child_process'
import { parentDeathWords } from './parent-death-signal.ts'
import type { ProcessEnd, ProcessStart, ProcessStarter, StartedProcess } from './process-starter.ts'

/** How a {@link PortableProcessStarter} is opened. */
export interface PortableProcessStarterOptions {
  /** Whether processes die with this one, where the system has a `setpriv` that can do it. @defaultValue true */
  readonly parentDeathSignal?: boolean
}

/**
 * Starts processes through Node's own `child_process`, which needs no addon.
 *
 * Two things it can't do: Node reports a process that died of a real-time signal (34 to 64) as one that exited with 0;
 * and a process forks the slower the more memory it has.
 */
export class PortableProcessStarter implements ProcessStarter {
  readonly #prefix: readonly string[]

  private constructor(prefix: readonly string[]) {
    this.#prefix = prefix
  }

  /** Finds out about `setpriv`, once per process. */
  static async open({
    parentDeathSignal = true,
  }: PortableProcessStarterOptions = {}): Promise<ProcessStarter> {
    return new PortableProcessStarter(parentDeathSignal ? await parentDeathWords() : [])
  }

  /** See {@link ProcessStarter.prepare}. */
  prepare(start: ProcessStart): () => Promise<StartedProcess> {
    const { argv, directory, environment, variables, stdout, stderr, group } = start
    const [program = '', ...words] = [...this.#prefix, ...argv]
    return async () => {
      const child = spawn(program, words, {
        cwd: directory,
        env: { ...environment, ...variables },
        // A session of its own, and with it a process group: a signal of the terminal doesn't reach it.
        detached: true,
        stdio: ['ignore', stdout ?? 'ignore', stderr ?? 'ignore'],
      })
      if (group !== undefined) Atomics.store(group, 0, child.pid ?? 0)
      return { pid: child.pid, ended: endOf(child) }
    }
  }
}

function endOf(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ error }))
    child.once('exit', (code, signal) => resolve({ code, signal, mayBeLeft: true }))
  })
}
