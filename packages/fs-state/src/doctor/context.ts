import type { Agent } from './agent.ts'

/** What every step works with. */
export interface DoctorContext {
  /** Directory for the steps' files; each step makes one of its own in it. */
  readonly directory: string
  /** The processes, those of the peer last. */
  readonly agents: readonly [Agent, ...Agent[]]
}

/** Longest wait for a single job that is not bounded by itself, milliseconds; a server may be away for a while. */
export const JOB_MS_MAX = 60_000

/** Makes a directory for a step. @returns Its path. */
export async function makeStepDirectory({ agents, directory }: DoctorContext, name: string): Promise<string> {
  const path = `${directory}/${name}`
  await agents[0].ask('makeDirectory', { directory: path }, JOB_MS_MAX)
  return path
}

/** The first process on the peer, if there is one. */
export function peerAgent({ agents }: DoctorContext): Agent | undefined {
  return agents.find(({ remote }) => remote)
}
