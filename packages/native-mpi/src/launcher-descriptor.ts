/**
 * The descriptor by which a launcher of the MPICH family, or Slurm's for PMI-2, speaks to its rank (`PMI_FD`).
 *
 * Node closes what it inherits when it starts another program, so in `mpirun npx mpibatch …` npx has the descriptor and
 * we don't. It is fetched from there. Without it MPI_Init would end the process, or write to whatever has its number.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import { MpiError } from '@mpibatch/batch-core'
import type { Native } from './native.ts'

/**
 * Sees to it that `PMI_FD` names what the launcher meant by it.
 *
 * @throws {@link MpiError} if that can't be had.
 */
export function restoreLauncherDescriptor(native: Pick<Native, 'adoptDescriptor'>): void {
  const { PMI_FD: text } = process.env
  if (text === undefined || isSocket('self', text)) return
  const holder = findHolder(text)
  const adopted = holder === undefined ? undefined : native.adoptDescriptor(holder, Number(text))
  if (adopted !== undefined && adopted >= 0) {
    process.env.PMI_FD = String(adopted)
    return
  }
  const why =
    adopted === undefined
      ? ''
      : ` (it has it, but the system lets nobody fetch it: ${getSystemErrorName(adopted)})`
  throw new MpiError(
    `The launcher speaks to its ranks by descriptor ${text}, which the program between it and mpibatch did not hand on${why}. ` +
      "Start mpibatch itself instead of npx: mpirun … node_modules/.bin/mpibatch run …; or let it start the launcher: npx mpibatch run --launcher 'mpirun …'.",
    { details: { descriptor: Number(text) } },
  )
}

/** The process above this one that the launcher started as the same rank, and that has the descriptor. */
function findHolder(descriptor: string): number | undefined {
  const { PMI_FD, PMI_RANK } = process.env
  for (let pid = process.ppid; pid > 1; pid = parentOf(pid)) {
    const variables = read(`/proc/${pid}/environ`).split('\0')
    const isRank = variables.includes(`PMI_FD=${PMI_FD}`) && variables.includes(`PMI_RANK=${PMI_RANK}`)
    // What started the rank has variables of its own, and another descriptor.
    if (!isRank) return undefined
    if (isSocket(String(pid), descriptor)) return pid
  }
  return undefined
}

function parentOf(pid: number): number {
  // "pid (name) state parent …"; the name may hold anything.
  const text = read(`/proc/${pid}/stat`)
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1] ?? 0)
}

function isSocket(pid: string, descriptor: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`).startsWith('socket:')
  } catch {
    return false
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
