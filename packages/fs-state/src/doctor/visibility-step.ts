/**
 * Step 6: how soon changes are seen, on the peer or, without one, by another process of this machine. Only the clock
 * of this machine is used; what passes through the pipes to the processes says what was before what.
 */
import type { FileSystemClass } from '../file-system-class.ts'
import type { Agent } from './agent.ts'
import { type DoctorContext, JOB_MS_MAX, makeStepDirectory, peerAgent } from './context.ts'
import { VISIBLE_CHANGES, type VisibleChange } from './jobs/visibility-jobs.ts'
import type { Finding, StepOutcome } from './report.ts'

const ROUNDS = 3
/** No further round is begun after so long, milliseconds. */
const ROUNDS_BUDGET_MS = 20_000
/** A change that was not seen for so long counts as never seen: the longest that NFS clients keep anything is 60 s. */
const SEEN_MS_MAX = 90_000
/** A delay up to this is that of asking, on a machine that has other things to do. */
const AT_ONCE_MS = 500

/** Milliseconds until each change was seen, at most; `null` if it was not seen at all. */
export type VisibilityDelays = Readonly<Record<VisibleChange, number | null>>

/** Changes and watches, in both directions. */
export async function checkVisibility(
  context: DoctorContext,
  fileSystem: FileSystemClass,
): Promise<StepOutcome & { readonly visibilityMs: number | null }> {
  const [here, second] = context.agents
  const peer = peerAgent(context)
  const there = peer ?? second ?? here
  const directory = await makeStepDirectory(context, 'visibility')
  const end = performance.now() + ROUNDS_BUDGET_MS
  const seen: VisibilityDelays[] = []
  for (let round = 0; round < ROUNDS && (round === 0 || performance.now() < end); round += 1) {
    const places = [`${directory}/${round}.out`, `${directory}/${round}.back`] as const
    seen.push(...(await Promise.all([watch(here, there, places[0]), watch(there, here, places[1])])))
  }
  return judgeVisibility(longest(seen), { peer: peer !== undefined, fileSystem })
}

async function watch(writer: Agent, observer: Agent, directory: string): Promise<VisibilityDelays> {
  await writer.ask('prepareVisibility', { directory }, JOB_MS_MAX)
  const baseline = await primed(observer, directory)
  const start = performance.now()
  await writer.ask('changeVisibly', { directory }, JOB_MS_MAX)
  // The observer begins to look not later than this; what it measures itself is a span, so that no clocks are compared.
  const startedMs = performance.now() - start
  const timeoutMs = SEEN_MS_MAX
  const input = { directory, baseline, timeoutMs }
  const seen = await observer.ask('watchVisibility', input, timeoutMs + JOB_MS_MAX)
  const delays = VISIBLE_CHANGES.map((change) => {
    const spanMs = seen[change]
    return [change, spanMs === undefined ? null : Math.ceil(startedMs + spanMs)] as const
  })
  return Object.fromEntries(delays) as Record<VisibleChange, number | null>
}

/** A directory that was just made may not be seen at once either. */
async function primed(
  observer: Agent,
  directory: string,
): ReturnType<typeof observer.ask<'primeVisibility'>> {
  const end = performance.now() + SEEN_MS_MAX
  for (;;) {
    try {
      return await observer.ask('primeVisibility', { directory }, JOB_MS_MAX)
    } catch (error) {
      if (performance.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

function longest(all: readonly VisibilityDelays[]): VisibilityDelays {
  const delays = VISIBLE_CHANGES.map((change) => {
    const ofChange = all.map((one) => one[change])
    return [
      change,
      ofChange.includes(null) ? null : Math.max(...ofChange.map((delay) => delay ?? 0)),
    ] as const
  })
  return Object.fromEntries(delays) as Record<VisibleChange, number | null>
}

/** Judges the delays. `visibilityMs` is set if they say something about other machines. */
export function judgeVisibility(
  delays: VisibilityDelays,
  { peer, fileSystem }: { readonly peer: boolean; readonly fileSystem: FileSystemClass },
): StepOutcome & { readonly visibilityMs: number | null } {
  const findings: Finding[] = []
  const never = VISIBLE_CHANGES.filter((change) => delays[change] === null)
  const slowest = Math.max(...VISIBLE_CHANGES.map((change) => delays[change] ?? SEEN_MS_MAX))
  if (never.length > 0) {
    findings.push({
      code: 'never-seen',
      severity: 'unsafe',
      message: `After ${SEEN_MS_MAX / 1000} s ${peer ? 'the peer' : 'another process'} had not seen: ${never.map((change) => CHANGE_WORDS[change]).join(', ')}.`,
      advice: 'Mount it with shorter caches, or keep the task root on another file system.',
    })
  } else if (slowest > AT_ONCE_MS) {
    findings.push({
      code: 'late-visibility',
      severity: 'note',
      message: `It took up to ${(slowest / 1000).toFixed(1)} s until ${peer ? 'the peer' : 'another process'} saw a change: ${delaysText(delays)}.`,
    })
  }
  if (!peer && fileSystem.sharing === 'local') {
    findings.push({
      code: 'one-machine',
      severity: 'ok',
      message: 'One machine alone uses this file system.',
    })
  } else if (!peer) {
    findings.push({
      code: 'other-nodes-untested',
      severity: 'degraded',
      message: 'Only processes of this machine were compared, which says nothing about other machines.',
      advice: 'Before several machines work on it at the same time, run "mpibatch doctor --peer HOST".',
    })
  }
  return { findings, measured: { peer, delaysMs: delays }, visibilityMs: peer ? slowest : null }
}

const CHANGE_WORDS: Readonly<Record<VisibleChange, string>> = {
  content: 'the text of a file',
  mtime: 'its time of modification',
  ctime: 'its time of change',
  newName: 'a new name',
  absentName: 'a name that had been asked for before',
  listing: 'a name in the listing',
}

function delaysText(delays: VisibilityDelays): string {
  return VISIBLE_CHANGES.map(
    (change) => `${CHANGE_WORDS[change]} ${((delays[change] ?? 0) / 1000).toFixed(1)} s`,
  ).join(', ')
}
