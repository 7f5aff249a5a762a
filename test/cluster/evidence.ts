/**
 * What two instances have left of their tasks: events and states in the shared root, and the marks of each command on
 * its node's own disk. Read from below, by the machine that carries the nodes, so that no cache of a client and no code
 * of the store is between.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Bed } from './bed.ts'

const EVENT = /^1 (CLAIM|DONE|FAILED|OPEN) ([0-9a-f]{16}) \d+ [0-9a-f]+\n?$/

/** An event of a task. */
export interface SeenEvent {
  readonly slot: number
  /** `undefined` if it can't be read. */
  readonly kind: string | undefined
  readonly instance: string | undefined
}

/** A command that was started for a task. */
export interface SeenCommand {
  readonly node: string
  readonly claim: number
  readonly instance: string
  /** Times by the clock of the machine, milliseconds since 1970. */
  readonly startedAtMs: number
  /** When it left its last mark. */
  readonly lastSeenAtMs: number
  /** It has done all its work. */
  readonly complete: boolean
}

/** All that is known of a task. */
export interface TaskEvidence {
  readonly name: string
  readonly state: string
  /** When the text of `state` was written: before the result was reported. */
  readonly stateWrittenAtMs: number
  readonly events: readonly SeenEvent[]
  /** In the order of their start. */
  readonly commands: readonly SeenCommand[]
}

/** Reads what is known of all tasks of a root. */
export function readEvidence(bed: Bed, root: string): TaskEvidence[] {
  const place = bed.sharedPath(bed.rootName(root))
  const commands = readCommands(bed, root)
  return readdirSync(place)
    .filter((name) => name.startsWith('task_'))
    .map((name) => {
      const state = join(place, name, 'state')
      return {
        name,
        state: readFileSync(state, 'utf8'),
        stateWrittenAtMs: statSync(state).mtimeMs,
        events: readEvents(join(place, name)),
        commands: commands.get(name) ?? [],
      }
    })
}

function readEvents(directory: string): SeenEvent[] {
  const slots = readdirSync(directory).flatMap((name) => {
    const slot = /^state\.ev\.(\d+)$/.exec(name)?.[1]
    return slot === undefined ? [] : [Number(slot)]
  })
  slots.sort((one, other) => one - other)
  return slots.map((slot) => {
    const [, kind, instance] = EVENT.exec(readEventText(join(directory, `state.ev.${slot}`))) ?? []
    return { slot, kind, instance }
  })
}

function readEventText(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return readFileSync(path, 'utf8')
  }
}

/** The commands of a root's tasks that have left marks in either node, by task. */
export function readCommands(bed: Bed, root: string): Map<string, SeenCommand[]> {
  const found = new Map<string, SeenCommand[]>()
  for (const node of bed.fileSystem.nodes) {
    const marks = bed.localPath(node, 'marks', bed.rootName(root))
    if (!existsSync(marks)) continue
    for (const task of readdirSync(marks)) {
      const commands = [...(found.get(task) ?? []), ...readMarks(join(marks, task), node)]
      found.set(
        task,
        commands.sort((one, other) => one.startedAtMs - other.startedAtMs),
      )
    }
  }
  return found
}

function readMarks(directory: string, node: string): SeenCommand[] {
  const marks = readdirSync(directory).map((file) => {
    const [claim, instance, , what] = file.split('.')
    return { claim: Number(claim), instance, what, atMs: statSync(join(directory, file)).mtimeMs }
  })
  return marks.flatMap(({ claim, instance = '', what, atMs: startedAtMs }) => {
    if (what !== 'start') return []
    const own = marks.filter((mark) => mark.claim === claim && mark.instance === instance)
    const lastSeenAtMs = Math.max(...own.map(({ atMs }) => atMs))
    const complete = own.some((mark) => mark.what === 'end')
    return [{ node, claim, instance, startedAtMs, lastSeenAtMs, complete }]
  })
}

/** What is wrong with a task that is to be DONE, as sentences; behind them its whole history. */
export function faultsOf(task: TaskEvidence, options: { readonly mayOverlap: boolean }): string[] {
  const { name, state, stateWrittenAtMs, events, commands } = task
  const faults: string[] = []
  const check = (holds: boolean, fault: string): void => {
    if (!holds) faults.push(`${name}: ${fault}`)
  }
  const terminal = events.filter(({ kind }) => kind === 'DONE' || kind === 'FAILED')
  const last = events.at(-1)
  const claim = events.at(-2)
  check(state === 'DONE\n', `its state is ${JSON.stringify(state)}`)
  check(
    events.every(({ slot, kind }, index) => slot === index + 1 && kind !== undefined),
    'its events have a gap, or one that can not be read',
  )
  check(terminal.length === 1 && last?.kind === 'DONE', 'DONE is not its only result and its last event')
  check(claim?.kind === 'CLAIM' && claim.instance === last?.instance, 'it is DONE by another than its owner')
  check(
    commands.some((command) => command.claim === claim?.slot && command.complete),
    'it is DONE, but the command of that claim did not come to its end',
  )
  for (const [index, command] of commands.entries()) {
    const event = events[command.claim - 1]
    const which = `the command of claim ${command.claim} in ${command.node}`
    check(event?.kind === 'CLAIM' && event.instance === command.instance, `${which} ran without that claim`)
    check(command.startedAtMs <= stateWrittenAtMs, `${which} started after the result was written`)
    const next = commands[index + 1]
    check(
      options.mayOverlap || next === undefined || command.lastSeenAtMs < next.startedAtMs,
      `${which} still ran when that of claim ${next?.claim} in ${next?.node} began`,
    )
  }
  const claims = new Set(commands.map((command) => command.claim))
  check(claims.size === commands.length, 'one claim started two commands')
  return faults.length === 0 ? [] : [...faults, ...historyOf(task)]
}

function historyOf({ name, events, commands, stateWrittenAtMs }: TaskEvidence): string[] {
  const firstMs = commands[0]?.startedAtMs ?? stateWrittenAtMs
  const at = (timeMs: number): string => `${((timeMs - firstMs) / 1000).toFixed(3)} s`
  return [
    ...events.map(({ slot, kind, instance }) => `${name}: event ${slot} is ${kind} by ${instance}`),
    ...commands.map(
      ({ node, claim, instance, startedAtMs, lastSeenAtMs, complete }) =>
        `${name}: command of claim ${claim} by ${instance} in ${node}, ${at(startedAtMs)} to ${at(lastSeenAtMs)}${complete ? '' : ', not complete'}`,
    ),
    `${name}: state was written at ${at(stateWrittenAtMs)}`,
  ]
}
