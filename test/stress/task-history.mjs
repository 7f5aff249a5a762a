/**
 * All that is known of one task after the stress test: its events and its `state`, and the marks that its commands
 * have left. Read here anew, without the store's own code, which is what is tested.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'

const EVENT = /^1 (CLAIM|DONE|FAILED|OPEN) ([0-9a-f]{16}) (\d+) ([0-9a-f]{8})\n?$/

/**
 * @typedef {object} TaskHistory
 * @property {string} name
 * @property {string} state Text of the state file.
 * @property {number} stateChangedAtMs When the file got this name: not later than the result was reported.
 * @property {{ slot: number, kind?: string, instance?: string }[]} events
 * @property {Mark[]} marks In the order of their start.
 *
 * @typedef {object} Mark A command of the task.
 * @property {number} claim
 * @property {string} instance
 * @property {number} startedAtMs
 * @property {number} [endedAtMs] Only if it has done all its work.
 * @property {boolean} overlaps Another command of the task was running when it began.
 */

/** @returns {TaskHistory} */
export function readTaskHistory(root, evidence, name) {
  const directory = join(root, name)
  const statePath = join(directory, 'state')
  return {
    name,
    state: readFileSync(statePath, 'utf8'),
    stateChangedAtMs: statSync(statePath).ctimeMs,
    events: readEvents(directory),
    marks: readMarks(join(evidence, name)),
  }
}

function readEvents(directory) {
  const slots = readdirSync(directory).flatMap((file) => {
    const slot = /^state\.ev\.(\d+)$/.exec(file)?.[1]
    return slot === undefined ? [] : [Number(slot)]
  })
  slots.sort((one, other) => one - other)
  return slots.map((slot) => {
    const [, kind, instance] = EVENT.exec(readEventText(join(directory, `state.ev.${slot}`))) ?? []
    return { slot, kind, instance }
  })
}

function readEventText(path) {
  try {
    return readlinkSync(path)
  } catch (error) {
    if (error.code !== 'EINVAL') throw error
    return readFileSync(path, 'utf8')
  }
}

/** @returns {Mark[]} */
function readMarks(directory) {
  const names = new Set(readdirSync(directory))
  const timeOf = (name) => (names.has(name) ? statSync(join(directory, name)).mtimeMs : undefined)
  const marks = [...names].flatMap((name) => {
    if (!name.endsWith('.start')) return []
    const base = name.slice(0, -'.start'.length)
    const [claim, instance] = base.split('.')
    return [
      {
        claim: Number(claim),
        instance,
        startedAtMs: timeOf(name),
        endedAtMs: timeOf(`${base}.end`),
        overlaps: names.has(`${base}.overlap`),
      },
    ]
  })
  return marks.sort((one, other) => one.startedAtMs - other.startedAtMs)
}

/**
 * What is wrong with a task.
 *
 * Marks and states get their times from the same clock of the system, which never goes back by itself but may stand
 * still for some milliseconds, so only a later time counts.
 *
 * @param {TaskHistory} history
 * @returns {string[]} Sentences.
 */
export function faultsOf({ state, stateChangedAtMs, events, marks }) {
  const faults = []
  const check = (holds, fault) => {
    if (!holds) faults.push(fault)
  }
  const last = events.at(-1)
  const claim = events.at(-2)
  const ends = events.filter(({ kind }) => kind === 'DONE' || kind === 'FAILED')
  check(state === 'DONE\n', `its state is ${JSON.stringify(state)}`)
  check(
    events.every(({ slot, kind }, index) => slot === index + 1 && kind !== undefined),
    'its events have a gap, or one that can not be read',
  )
  check(last?.kind === 'DONE' && ends.length === 1, 'its last event is not its only terminal one, DONE')
  check(
    claim?.kind === 'CLAIM' && claim.instance === last?.instance,
    'it is DONE by another than its last owner',
  )
  const counted = marks.find((mark) => mark.claim === claim?.slot)
  check(counted?.endedAtMs !== undefined, 'it is DONE, but the command of that claim never came to its end')
  for (const mark of marks) {
    const event = events[mark.claim - 1]
    const which = `the command of claim ${mark.claim}`
    check(event?.kind === 'CLAIM' && event.instance === mark.instance, `${which} ran without that claim`)
    check(mark.startedAtMs <= stateChangedAtMs, `${which} started after the task was DONE`)
    check(!mark.overlaps, `${which} started while another command of the task was running`)
  }
  check(new Set(marks.map((mark) => mark.claim)).size === marks.length, 'one claim started two commands')
  return faults
}

/**
 * The whole history of a task, a line each.
 *
 * @param {TaskHistory} history
 * @param {{ startedAtMs: number, nameOf: (instance: string) => string }} options - Times are told from `startedAtMs` on.
 */
export function printHistory({ state, stateChangedAtMs, events, marks }, { startedAtMs, nameOf }) {
  const at = (timeMs) => `${((timeMs - startedAtMs) / 1000).toFixed(3)} s`
  return [
    ...events.map(({ slot, kind, instance }) => `event ${slot}: ${kind} by ${nameOf(instance)}`),
    ...marks.map(
      ({ claim, instance, startedAtMs: start, endedAtMs, overlaps }) =>
        `command of claim ${claim} by ${nameOf(instance)}: ${at(start)} to ${endedAtMs === undefined ? 'a violent end' : at(endedAtMs)}${overlaps ? ', beside another' : ''}`,
    ),
    `state ${JSON.stringify(state)} since ${at(stateChangedAtMs)}`,
  ]
}
