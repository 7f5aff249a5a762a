/** What launchers print when a rank has died, read so that a person can be told which rank, and how. Pure. */
import { constants } from 'node:os'

/** A rank that died, as far as its launcher says. */
export interface RankLoss {
  /** `undefined` where the launcher doesn't say. */
  readonly rank: number | undefined
  /** Its host; `undefined` likewise. */
  readonly host: string | undefined
  /** `SIGKILL`, or the launcher's own words. */
  readonly how: string
}

/** Open MPI; version 5 breaks the line somewhere. */
const OPEN_MPI =
  /process\s+rank\s+(\d+)\s+with\s+PID\s+\d+\s+on\s+node\s+(\S+)\s+exited\s+on\s+signal\s+(\d+)/
/** Slurm names the host, the task, or several that ended at about the same time, and the signal in words. */
const SLURM = /srun: error: (\S+): (?:task (\d+)|tasks [\d,-]+): (?!Exited)([A-Z][A-Za-z ]*[a-z])/
/** Intel's relative of MPICH. */
const INTEL = /RANK (\d+) PID \d+ RUNNING AT (\S+)[\s\S]*?KILLED BY SIGNAL: (\d+)/
/**
 * MPICH kills all ranks when one has died. It names the process of any of them, with its signal, and then the numbers of
 * all signals joined by "or", bit by bit.
 */
const MPICH = /PID \d+ RUNNING AT \S+\s+=\s+EXIT CODE: (\d+)[\s\S]*?EXIT STRING: .*\(signal (\d+)\)/

/** Finds the first rank that died, in what a launcher has printed. */
export function findRankLoss(text: string): RankLoss | undefined {
  for (const pattern of [OPEN_MPI, INTEL]) {
    const [found, rank, host, signal] = pattern.exec(text) ?? []
    if (found !== undefined) return { rank: Number(rank), host, how: signalName(signal) }
  }
  const [slurm, host, task, how = ''] = SLURM.exec(text) ?? []
  if (slurm !== undefined) return { rank: task === undefined ? undefined : Number(task), host, how }
  const [mpich, own, joined] = MPICH.exec(text) ?? []
  return mpich === undefined ? undefined : { rank: undefined, host: undefined, how: joinedName(own, joined) }
}

/** Tells it, without the end of the sentence. */
export function describeRankLoss({ rank, host, how }: RankLoss): string {
  const who = rank === undefined ? 'A rank' : `Rank ${rank}`
  return `${who}${host === undefined ? '' : ` on ${host}`} was ended by ${how}`
}

/** The signal that came before MPICH's own SIGKILL. */
function joinedName(own: string | undefined, joined: string | undefined): string {
  const { SIGABRT, SIGKILL } = constants.signals
  if (Number(own) !== SIGKILL) return signalName(own)
  return Number(joined) === (SIGABRT | SIGKILL) ? 'SIGABRT or SIGTERM' : signalName(joined)
}

function signalName(number: string | undefined): string {
  const known = Object.entries(constants.signals).find(([, value]) => value === Number(number))
  return known?.[0] ?? `signal ${number}`
}
