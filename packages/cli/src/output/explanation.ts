import type { HistoryAttempt, HistoryEvent, HistoryOwner, TaskHistory } from '@mpibatch/fs-state'
import { formatDuration } from '../input/duration.ts'
import { isoTime } from './iso-time.ts'
import { printable } from './printable.ts'
import { alignColumns } from './task-line.ts'

/**
 * What `explain` prints for people: the answer first, then all that it rests on.
 *
 * @param words - The task as other commands take it, `ROOT TASK`, quoted for a shell.
 */
export function explanationText(history: TaskHistory, words: string): string {
  const { name, state, summary, directory, stateText, events, attempts, oddities } = history
  const lines = [
    `${printable(name)} is ${state}. ${whyText(history)}`.trimEnd(),
    `Next: ${nextText(history, words)}`,
    '',
    ...(summary === undefined ? [] : [`runs       ${printable(summary)}`]),
    `directory  ${printable(directory)}`,
    `state      ${stateText === undefined ? 'there is no such file' : `the file says ${printable(JSON.stringify(stateText))}`}`,
  ]
  if (events.length > 0) {
    lines.push('', ...alignColumns([['SLOT', 'EVENT', 'TIME', 'BY'], ...events.map(eventCells)]))
  }
  if (attempts.length > 0) {
    lines.push(
      '',
      ...alignColumns([
        ['ATTEMPT', 'SLOT', 'STARTED', 'DURATION', 'ENDED', 'MESSAGE'],
        ...attempts.map(attemptCells),
      ]),
    )
  }
  if (oddities.length > 0) lines.push('', ...oddities.map(({ text }) => `note: ${printable(text)}`))
  return `${lines.join('\n')}\n`
}

function eventCells({ slot, kind, instance, rank, host, pid, atMs }: HistoryEvent): string[] {
  if (kind === undefined) return [String(slot), 'unreadable', '-', '-']
  const place = host === undefined ? 'of which nothing is known' : `on ${printable(host)}, process ${pid}`
  return [String(slot), kind, isoTime(atMs) ?? '-', `instance ${instance}, rank ${rank}, ${place}`]
}

function attemptCells(attempt: HistoryAttempt): string[] {
  const { startedAtMs, durationMs, message = '', slot } = attempt
  return [
    String(attempt.attempt),
    String(slot),
    isoTime(startedAtMs) ?? '-',
    durationMs === undefined ? '-' : formatDuration(durationMs),
    outcomeText(attempt),
    printable(message),
  ]
}

function outcomeText({ outcome, state, reason, exitCode, signal }: HistoryAttempt): string {
  const how = exitCode !== undefined ? `exit ${exitCode}` : (signal ?? reason ?? '')
  switch (outcome) {
    case 'unfinished':
      return 'not yet'
    case 'superseded':
      return 'no: its owner died, or lost the task'
    case 'discarded':
      return `${how}, too late: discarded`
    case 'unreported':
      return `${how}, not reported`
    case 'ended':
      return how === '' ? (state ?? 'yes') : `${state ?? ''} ${how}`.trim()
  }
}

/** Why the task is in its state. */
function whyText({ state, owner, outlook, attempts, events }: TaskHistory): string {
  if (owner !== undefined) return `${ownerText(owner)}`
  switch (outlook.action) {
    case 'start':
      return events.length === 0 ? 'Nobody has claimed it yet.' : 'It was given back, or opened again.'
    case 'mend':
      return 'What its files say can not be understood; see the notes.'
    case 'left-alone':
      return 'Nobody knows who runs it; see the notes.'
    default: {
      const last = attempts.findLast(({ outcome }) => outcome === 'ended')
      if (last === undefined) return `Its state file says so, and no event of mpibatch has that result.`
      const message = last.message === undefined ? '' : `: ${printable(last.message)}`
      return `Attempt ${last.attempt} ended as ${state}${message}.`
    }
  }
}

function ownerText(owner: HistoryOwner): string {
  const { instance, host, pid, sight, heartbeatAgeMs, job } = owner
  const who =
    host === undefined
      ? `Instance ${instance}`
      : `Instance ${instance} on ${printable(host)}, process ${pid},`
  const beat =
    heartbeatAgeMs === undefined
      ? 'it has no heartbeat'
      : `its last heartbeat is ${formatDuration(Math.max(heartbeatAgeMs, 0))} old by this machine’s clock`
  const jobText =
    job === undefined
      ? ''
      : ` Its Slurm job ${job.jobId} ${job.word === undefined ? 'could not be asked about' : `is ${job.word}`}.`
  switch (sight) {
    case 'exited':
      return `${who} had it, and has ended: its life log says EXITED.`
    case 'declared-dead':
      return `${who} had it, and is dead: its life log says DEAD.`
    case 'rebooted':
      return `${who} had it, and is dead: this machine was started anew since.`
    case 'process-gone':
      return `${who} had it, and is dead: that process of this machine is gone.`
    case 'process-runs':
      return `${who} has it, and runs on this machine; ${beat}.${jobText}`
    case 'out-of-sight':
      return `${who} has it, and can't be seen from here; ${beat}.${jobText}`
    case 'unregistered':
      return `${who} has it, but its directory in .mpibatch/i is missing or damaged, so nothing is known of it.`
  }
}

/** What will happen, and what the user can do. */
function nextText({ state, outlook, owner, oddities }: TaskHistory, words: string): string {
  switch (outlook.action) {
    case 'start':
      return 'a run on this root starts it; run the same line again if none is at work.'
    case 'ended': {
      const again = state === 'FAILED' ? `"mpibatch retry ${words}"` : `"mpibatch rerun ${words}"`
      return `nothing: it has ended. ${again} opens it again.`
    }
    case 'mend':
      return `nothing until that is mended: ${oddities.some(({ kind }) => kind === 'directory') ? 'move away what is in the place of its directory.' : 'write OPEN, DONE or FAILED and a newline into a new state file.'}`
    case 'running':
      return `it ends by itself. If it hangs, stop process ${owner?.pid}; the next run then takes it over.`
    case 'ending':
      return `its owner is writing ${outlook.state}.`
    case 'take-over':
      return 'the next run takes it over at once.'
    case 'give-up':
      return `the next run makes it FAILED: ${outlook.deaths} owners in a row have died on it (--crash-limit).`
    case 'complete':
      return `it has ended as ${outlook.state}; the next run completes what its owner left half written, without running it again.`
    case 'wait-for-silence':
      return `a run takes it over when its owner has shown no sign of life for ${formatDuration(outlook.deadAfterMs)}. "mpibatch recover ${words}" looks for one; with --force it does not.`
    case 'left-alone':
      return `nothing: it is left alone. If it does not run any more, "mpibatch recover --force ${words}" opens it again, and "run --steal-running" takes it.`
  }
}
