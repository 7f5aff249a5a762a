/** Starts the doctor's processes: all on this machine, or half of them on the peer. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Agent, startLocalAgent, startPeerAgent } from './agent.ts'
import { type DoctorContext, JOB_MS_MAX } from './context.ts'
import type { Finding } from './report.ts'

/** Longest wait until the peer sees a directory that was just made, milliseconds. */
const MARKER_MS_MAX = 10_000

/** How to reach the peer. */
export interface PeerStart {
  readonly host: string | undefined
  readonly program: string | undefined
  /** A file that the peer must see; its text is its directory's name. */
  readonly marker: string
}

/**
 * Starts all processes but the first, which is there.
 *
 * @param onStart - Hears of each process as soon as it is there, also if a later one fails.
 */
export async function joinPeer(
  first: Agent,
  count: number,
  { host, program, marker }: PeerStart,
  onStart: (agent: Agent) => void,
): Promise<{ readonly agents: DoctorContext['agents']; readonly findings: readonly Finding[] }> {
  const started = (agent: Agent): Agent => {
    onStart(agent)
    return agent
  }
  const local = (from: number, until: number): Agent[] =>
    Array.from({ length: until - from }, (_, offset) => started(startLocalAgent(`p${from + offset}`)))
  if (host === undefined) return { agents: [first, ...local(1, count)], findings: [] }
  const half = count >> 1
  const options = { host, ...(program === undefined ? {} : { program }) }
  const tries = await Promise.allSettled(
    Array.from({ length: half }, (_, index) => startPeerAgent(`p${half + index}`, options).then(started)),
  )
  const peers = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const [peer] = peers
  const fault = tries.flatMap((one) =>
    one.status === 'rejected' ? [String((one.reason as Error).message)] : [],
  )[0]
  if (fault !== undefined || peer === undefined) {
    const advice =
      'Make sure that "ssh HOST" works without a password, and that the same Node and mpibatch are there; MPIBATCH_RSH names another program.'
    const message = `The peer ${host} could not be reached: ${fault ?? 'nothing started'}.`
    return {
      agents: [first, ...local(1, count)],
      findings: [{ code: 'peer-unreachable', severity: 'degraded', message, advice }],
    }
  }
  if (!(await sees(peer, marker))) {
    const message = `The peer ${host} does not see what is written here: the directory is another one there.`
    const advice = 'Work from this machine alone, or choose a directory that both have mounted.'
    return {
      agents: [first, ...local(1, count)],
      findings: [{ code: 'peer-elsewhere', severity: 'degraded', message, advice }],
    }
  }
  return { agents: [first, ...local(1, half), ...peers], findings: [] }
}

async function sees(peer: Agent, marker: string): Promise<boolean> {
  const end = performance.now() + MARKER_MS_MAX
  for (;;) {
    const text = await peer.ask('readMarker', { path: marker }, JOB_MS_MAX)
    if (text !== '' && marker.includes(`/${text}/`)) return true
    if (performance.now() > end) return false
    await pause(200)
  }
}
