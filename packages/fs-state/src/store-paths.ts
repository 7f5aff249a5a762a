/** Where everything is in a task root (pure); the whole layout is drawn in `docs/state-files.md`. */
import { RESERVED_NAME } from '@mpibatch/batch-core'
import type { EventKind } from './event.ts'

/** Directory of a task. */
export function taskDirectory(root: string, name: string): string {
  return `${root}/${name}`
}

/** A task's `state` file. */
export function statePath(directory: string): string {
  return `${directory}/state`
}

/** A task's event in a slot, from 1. */
export function eventPath(directory: string, slot: number): string {
  return `${directory}/state.ev.${slot}`
}

/** The next text of `state` that an instance made for a slot. */
export function payloadPath(directory: string, slot: number, instance: string): string {
  return `${directory}/${payloadPrefix(slot)}${instance}`
}

/** How the names of all payloads of a slot begin, whoever made them. */
export function payloadPrefix(slot: number): string {
  return `state.p${slot}.`
}

/** What the claim in a slot has kept as the task's value. */
export function valuePath(directory: string, slot: number): string {
  return `${directory}/state.value.${slot}.json`
}

/** The slot of a value by its file's name; `undefined` for another file. */
export function valueSlot(name: string): number | undefined {
  const slot = /^state\.value\.([1-9][0-9]{0,8})\.json$/.exec(name)?.[1]
  return slot === undefined ? undefined : Number(slot)
}

/** The directory of a root that belongs to mpibatch. */
export function ownDirectory(root: string): string {
  return `${root}/${RESERVED_NAME}`
}

/** A segment of the manifest, from 1. */
export function manifestPath(root: string, segment: number): string {
  return `${ownDirectory(root)}/manifest${segment === 1 ? '' : `.${segment}`}`
}

/** Which list of tasks the manifest was last compared with. */
export function knownPlanPath(root: string): string {
  return `${ownDirectory(root)}/plan`
}

/** The directory of the snapshots of the index. */
export function snapshotsDirectory(root: string): string {
  return `${ownDirectory(root)}/snap`
}

/** A snapshot of the index, from 1. */
export function snapshotPath(root: string, sequence: number): string {
  return `${snapshotsDirectory(root)}/${sequence}`
}

/** The directory of the attempts of instances that are not kept any more. */
export function historyDirectory(root: string): string {
  return `${ownDirectory(root)}/history`
}

/** A part of the history, from 1. */
export function historyPath(root: string, sequence: number): string {
  return `${historyDirectory(root)}/${sequence}`
}

/** The verdict of `mpibatch doctor` on a root. */
export function doctorVerdictPath(root: string): string {
  return `${ownDirectory(root)}/doctor.json`
}

/** The directory of all instances. */
export function instancesDirectory(root: string): string {
  return `${ownDirectory(root)}/i`
}

/** The directory of an instance. */
export function instanceDirectory(root: string, instance: string): string {
  return `${instancesDirectory(root)}/${instance}`
}

/** What an instance says about itself. */
export function infoPath(directory: string): string {
  return `${directory}/info.json`
}

/** An entry of an instance's life log, from 1. */
export function lifePath(directory: string, entry: number): string {
  return `${directory}/life.${entry}`
}

/** What an instance rewrites all the time, as its sign of life. */
export function heartbeatPath(directory: string): string {
  return `${directory}/hb`
}

/** What stands for the lock that an instance holds as long as it lives; proper-lockfile makes it. */
export function leasePath(directory: string): string {
  return `${directory}/lease`
}

/** The lock itself, a directory. */
export function leaseLockPath(directory: string): string {
  return `${leasePath(directory)}.lock`
}

/** A token of a rank, which its events are links to. */
export function tokenPath(
  directory: string,
  token: { proc: number; kind: EventKind; sequence: number },
): string {
  return `${directory}/tok.${token.proc}.${token.kind}.${token.sequence}`
}

/** Log of the attempts that a rank has started and ended. */
export function attemptsPath(directory: string, proc: number): string {
  return `${directory}/attempts.${proc}`
}

/** Log of the tasks that a rank has made DONE, and of those that it is about to open again. */
export function journalPath(directory: string, proc: number): string {
  return `${directory}/journal.${proc}`
}

/** Name of something that a rank builds before it shows it. */
export function stagedPath(directory: string, proc: number, sequence: number): string {
  return `${directory}/new.${proc}.${sequence}`
}
