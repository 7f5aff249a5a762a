/**
 * Commands that outlived the instance that started them.
 *
 * A killed scheduler leaves its commands running. Before their tasks are claimed by anybody else they are ended, or
 * two copies of a task would write the same outputs. They are found by the process groups that the instance recorded,
 * and by the variable `MPIBATCH_INSTANCE` in their environment, which their children inherit.
 */
import { statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { readAttempts, type StartLine } from './attempt-log.ts'
import type { FileLayer } from './file-layer.ts'
import { processEnvironments } from './process-environments.ts'
import { hasEnded, listProcesses, type ProcessStat, readProcessStat } from './process-identity.ts'
import { instanceDirectory } from './store-paths.ts'

/** Time that killed processes get to disappear. */
const GONE_TIMEOUT_MS = 10_000

/** Pause between two looks. */
const LOOK_INTERVAL_MS = 20

/** A process that could not be ended. */
export interface Survivor {
  readonly pid: number
  /** Why it lives: an error code, or `timeout`. */
  readonly reason: string
}

/**
 * Ends all processes that a dead instance of this machine has left, and waits until they are gone.
 *
 * This process, its process group and its ancestors are spared: a task may well have started us.
 *
 * @returns Those that could not be ended within {@link GONE_TIMEOUT_MS}.
 */
export function endSurvivors(files: FileLayer, root: string, instance: string): Promise<readonly Survivor[]> {
  const groups = recordedGroups(files, root, instance)
  return endAll(() => findSurvivors(instance, groups))
}

/**
 * Ends all processes of this machine that have these variables in their environment, and waits until they are gone:
 * what a task's command has started inherits the task's variables, also where it has left the command's process group.
 * Spares as {@link endSurvivors} does.
 *
 * @param variables - Names and values, all of which a process must have.
 * @returns Those that could not be ended within {@link GONE_TIMEOUT_MS}.
 */
export function endProcessesWith(variables: Readonly<Record<string, string>>): Promise<readonly Survivor[]> {
  return endAll(() => findProcesses(variables, () => false))
}

async function endAll(find: () => Promise<readonly ProcessStat[]>): Promise<readonly Survivor[]> {
  const deadline = performance.now() + GONE_TIMEOUT_MS
  for (;;) {
    const found = await find()
    if (found.length === 0) return []
    const refused = found.flatMap((process_) => kill(process_) ?? [])
    if (refused.length === found.length) return refused
    if (performance.now() > deadline) return found.map(({ pid }) => ({ pid, reason: 'timeout' }))
    await pause(LOOK_INTERVAL_MS)
  }
}

/**
 * Start time of each recorded group's first process, by the group. Only what this user wrote: in a root that others
 * can write to, a forged record could name any process of ours.
 */
function recordedGroups(files: FileLayer, root: string, instance: string): ReadonlyMap<number, StartLine> {
  const owner = statSync(instanceDirectory(root, instance), { throwIfNoEntry: false })?.uid
  if (owner !== process.geteuid?.()) return new Map()
  const groups = new Map<number, StartLine>()
  for (const line of readAttempts(files, root, instance))
    if (line.kind === 'start') groups.set(line.processGroup, line)
  return groups
}

/** Processes of an instance that still run and may be ended. */
export function findSurvivors(
  instance: string,
  groups: ReadonlyMap<number, Pick<StartLine, 'startTime'>>,
): Promise<readonly ProcessStat[]> {
  return findProcesses({ MPIBATCH_INSTANCE: instance }, (stat, byPid) => {
    // The number of a group may be in use again; then its leader is another process than the recorded one.
    const recorded = groups.get(stat.group)?.startTime
    return recorded !== undefined && recorded !== '' && byPid.get(stat.group)?.startTime === recorded
  })
}

/** Processes that run, have these variables or are known by their group, and are not to be spared. */
async function findProcesses(
  variables: Readonly<Record<string, string>>,
  isKnown: (stat: ProcessStat, byPid: ReadonlyMap<number, ProcessStat>) => boolean,
): Promise<readonly ProcessStat[]> {
  const all = listProcesses()
  const byPid = new Map(all.map((stat) => [stat.pid, stat]))
  const spared = ancestorsOf(byPid.get(process.pid), byPid)
  const ownGroup = byPid.get(process.pid)?.group
  const candidates = all.filter((stat) => !hasEnded(stat) && !spared.has(stat.pid) && stat.group !== ownGroup)
  const known = candidates.filter((stat) => isKnown(stat, byPid))
  const others = candidates.filter((stat) => !known.includes(stat))
  const environments = await processEnvironments.read(others.map(({ pid }) => pid))
  const entries = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
  const marked = others.filter(({ pid }) => entries.every((entry) => environments.get(pid)?.includes(entry)))
  // Reading may have taken a while, in which a number may have come to another process.
  return [...known, ...marked].filter(({ pid, startTime }) => readProcessStat(pid)?.startTime === startTime)
}

function ancestorsOf(
  start: ProcessStat | undefined,
  byPid: ReadonlyMap<number, ProcessStat>,
): ReadonlySet<number> {
  const ancestors = new Set<number>([process.pid, process.ppid])
  for (let stat = start; stat !== undefined && stat.pid > 0; stat = byPid.get(stat.parent))
    ancestors.add(stat.pid)
  return ancestors
}

function kill({ pid, group }: ProcessStat): Survivor | undefined {
  // A leader stands for its whole group: children that it starts meanwhile are met as well.
  if (pid === group) send(-group)
  return send(pid)
}

function send(target: number): Survivor | undefined {
  try {
    process.kill(target, 'SIGKILL')
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ESRCH' ? undefined : { pid: target, reason: code ?? String(error) }
  }
}
