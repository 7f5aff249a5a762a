import type { HistoryAttempt, HistoryEvent, HistoryOwner, TaskHistory } from '@mpibatch/fs-state'
import { isoTime } from './iso-time.ts'

/** Milliseconds as seconds; `null` where they are not known. */
function seconds(durationMs: number | undefined): number | null {
  return durationMs === undefined ? null : Math.round(durationMs) / 1000
}

/** What `explain --json` prints; `docs/explain.md` describes each field. */
export function explanationRecord(history: TaskHistory): Readonly<Record<string, unknown>> {
  const { name, index, values, summary, directory, state, stateText, events, attempts, owner } = history
  return {
    ...{ name, index, state, directory },
    values: values ?? {},
    runs: summary ?? null,
    stateFile: stateText ?? null,
    events: events.map(eventRecord),
    attempts: attempts.map(attemptRecord),
    owner: owner === undefined ? null : ownerRecord(owner),
    notes: history.oddities,
    next: outlookRecord(history),
  }
}

function eventRecord({ slot, kind, instance, rank, host, pid, atMs }: HistoryEvent): object {
  return {
    ...{ slot, kind: kind ?? null, instance: instance ?? null, rank: rank ?? null },
    ...{ host: host ?? null, pid: pid ?? null, time: isoTime(atMs) },
  }
}

function attemptRecord(one: HistoryAttempt): object {
  const { attempt, slot, instance, outcome, host, state, reason, exitCode, signal, message } = one
  return {
    ...{ attempt, slot, instance, outcome, host: host ?? null },
    ...{
      started: isoTime(one.startedAtMs),
      ended: isoTime(one.endedAtMs),
      duration: seconds(one.durationMs),
    },
    ...{ state: state ?? null, reason: reason ?? null, exit: exitCode ?? null, signal: signal ?? null },
    ...{ message: message ?? null, processGroup: one.processGroup ?? null },
  }
}

function ownerRecord({
  instance,
  sight,
  host,
  pid,
  startedAtMs,
  command,
  job,
  heartbeatAgeMs,
}: HistoryOwner): object {
  return {
    ...{ instance, sight, host: host ?? null, pid: pid ?? null },
    ...{ started: isoTime(startedAtMs), command: command ?? null, heartbeatAge: seconds(heartbeatAgeMs) },
    job:
      job === undefined
        ? null
        : {
            ...{ id: job.jobId, cluster: job.cluster ?? null, restarts: job.restartCount ?? 0 },
            ...{ verdict: job.verdict, state: job.word ?? null },
          },
  }
}

function outlookRecord({ outlook }: TaskHistory): object {
  return {
    action: outlook.action,
    state: 'state' in outlook ? outlook.state : null,
    deaths: 'deaths' in outlook ? outlook.deaths : null,
    deadAfter: 'deadAfterMs' in outlook ? seconds(outlook.deadAfterMs) : null,
  }
}
