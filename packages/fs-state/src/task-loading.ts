/** Reads the states of all tasks at once: the names of the root in one go, then one small file per task. */
import { type LoadedFault, type LoadedStates, type PlannedTask, STATE_CODE } from '@mpibatch/batch-core'
import type { FileLayer } from './file-layer.ts'
import type { OwnerJudge, Verdict } from './owners.ts'
import { statePath, taskDirectory } from './store-paths.ts'
import { isPlainlyDone, readState, readTask } from './task-chain.ts'
import { invalidFault } from './task-view.ts'

/** All states, and which tasks have a directory already. */
export interface LoadedTasks extends LoadedStates {
  /** 1 for each task that has one. */
  readonly present: Uint8Array
}

/** Reads the states of all tasks. */
export async function loadTasks(
  tools: { readonly files: FileLayer; readonly root: string; readonly owners: OwnerJudge },
  tasks: readonly PlannedTask[],
): Promise<LoadedTasks> {
  const { files, root, owners } = tools
  const present = new Uint8Array(tasks.length)
  const codes = new Uint8Array(tasks.length).fill(STATE_CODE.OPEN)
  const faults: LoadedFault[] = []
  const indexOf = new Map(tasks.map(({ name }, index) => [name, index]))
  const found: number[] = []
  for (const { name, kind } of files.list(root)) {
    const taskIndex = indexOf.get(name)
    if (taskIndex === undefined) continue
    present[taskIndex] = 1
    if (kind === 'directory') found.push(taskIndex)
    else {
      codes[taskIndex] = STATE_CODE.INVALID
      const what = kind === 'symlink' ? 'a symbolic link' : 'not a directory'
      faults.push({ taskIndex, message: `${taskDirectory(root, name)} is ${what}. The task is left alone.` })
    }
  }
  const judge = owners.judgeOnce()
  for (const taskIndex of found) {
    const directory = taskDirectory(root, tasks[taskIndex]?.name ?? '')
    if (isPlainlyDone(readState(files, directory))) codes[taskIndex] = STATE_CODE.DONE
    else {
      const { code, fault } = await loadTask(files, directory, judge)
      codes[taskIndex] = code
      if (fault !== undefined) faults.push({ taskIndex, message: fault })
    }
  }
  return { codes, faults, present }
}

interface LoadedTask {
  readonly code: number
  readonly fault?: string
}

async function loadTask(
  files: FileLayer,
  directory: string,
  judge: (instance: string) => Promise<Verdict>,
): Promise<LoadedTask> {
  const { view } = readTask(files, directory, 0)
  const path = statePath(directory)
  switch (view.kind) {
    case 'open':
      return { code: STATE_CODE.OPEN }
    case 'settled':
      if (!view.overwritten) return { code: STATE_CODE[view.state] }
      return {
        code: STATE_CODE[view.state],
        fault: `${path} says OPEN, written over the result ${view.state}, which stands. To run the task again, use "mpibatch rerun".`,
      }
    case 'foreign':
      return { code: STATE_CODE.ELSEWHERE }
    case 'unknown':
      return {
        code: STATE_CODE.ELSEWHERE,
        fault: `The event ${path}.ev.${view.slot} can't be read, so nobody knows who runs the task. It is left alone; if it does not run any more, take it with --steal-running.`,
      }
    case 'invalid':
      return { code: STATE_CODE.INVALID, fault: invalidFault(path, view.reason) }
    case 'claimed':
    case 'ending':
      return toLoaded(await judge(view.owner))
  }
}

/** What a dead owner left is free; claiming it takes it over, or completes its result. */
function toLoaded({ dead, fault }: Verdict): LoadedTask {
  return {
    code: dead ? STATE_CODE.OPEN : STATE_CODE.ELSEWHERE,
    ...(fault === undefined ? {} : { fault }),
  }
}
