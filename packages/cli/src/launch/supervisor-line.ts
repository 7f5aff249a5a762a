/**
 * What the ranks tell the process that supervises them: lines on standard error that begin with a token which nobody
 * else knows. It tells "the run has ended, with this exit code" from "a rank died", which launchers don't.
 */

/** A line with the token. */
export type SupervisorWord =
  /** Rank 0 listens to signals. */
  | { readonly kind: 'started' }
  /** The run is over: its exit code. */
  | { readonly kind: 'ended'; readonly exitCode: number }
  /** These hosts have been silent for too long, and the job ends itself. */
  | { readonly kind: 'lost'; readonly hosts: readonly string[] }

/** Writes a line for the supervisor, without its newline. */
export function supervisorLine(token: string, word: SupervisorWord): string {
  switch (word.kind) {
    case 'started':
      return `${token} started`
    case 'ended':
      return `${token} ${word.exitCode}`
    case 'lost':
      return `${token} lost ${word.hosts.join(' ')}`
  }
}

/**
 * Reads a line of standard error.
 *
 * @returns What the ranks say in it, and what stood before it that is to be shown: a launcher may put a tag before each
 *   line, which is not, and another rank's text may have no newline.
 */
export function readSupervisorLine(
  token: string,
  line: string,
): { readonly word: SupervisorWord | undefined; readonly shown: string } {
  const start = line.indexOf(`${token} `)
  if (start < 0) return { word: undefined, shown: line }
  const before = line.slice(0, start)
  const shown = LAUNCHER_TAG.test(before) ? '' : before
  const [first = '', ...rest] = line
    .slice(start + token.length)
    .trim()
    .split(/\s+/)
  if (first === 'started') return { word: { kind: 'started' }, shown }
  if (first === 'lost' && rest.length > 0) return { word: { kind: 'lost', hosts: rest }, shown }
  if (/^\d{1,3}$/.test(first)) return { word: { kind: 'ended', exitCode: Number(first) }, shown }
  return { word: undefined, shown: line }
}

/** `[1,0]<stderr>:` of Open MPI, `[0] ` of MPICH, `0: ` of Slurm. */
const LAUNCHER_TAG = /^(?:\[[\d,]+\](?:<[^>]*>)?:?|\d+:)?\s*$/
