import { readProcessStat } from '@mpibatch/fs-state'
import { canSpawn, prepareProcess } from '@mpibatch/native-mpi/process-spawner'
import type { ProcessStart, ProcessStarter, StartedProcess } from './process-starter.ts'
import { signalName } from './signal-names.ts'

/**
 * Starts processes through the addon: by vfork, so that a start does not take the longer the more memory this process
 * has. They are killed when this process dies, even from `kill -9`.
 */
export class NativeProcessStarter implements ProcessStarter {
  /** @returns `undefined` where the addon was not built, or can't be loaded. */
  static open(): NativeProcessStarter | undefined {
    return canSpawn() ? new NativeProcessStarter() : undefined
  }

  /** See {@link ProcessStarter.prepare}. */
  prepare(start: ProcessStart): () => Promise<StartedProcess> {
    const spawn = prepareProcess(start)
    return async () => {
      const { pid, startTick, waitedMs, ended } = await spawn()
      return {
        pid,
        waitedMs,
        startTime: startTick === undefined ? undefined : startTimeOf(pid, String(startTick)),
        ended: ended.then(
          ({ exitCode, signal, isGroupLeft }) => ({
            code: exitCode,
            signal: signal === null ? null : signalName(signal),
            mayBeLeft: isGroupLeft,
          }),
          (error: Error) => ({ error }),
        ),
      }
    }
  }
}

/** Whether the clock tells start times as `/proc` does; the first process shows it, whose number is still its own. */
let clockAgrees: boolean | undefined

function startTimeOf(pid: number, byClock: string): string | undefined {
  clockAgrees ??= readProcessStat(pid)?.startTime === byClock
  return clockAgrees ? byClock : undefined
}
