/** What `mpibatch doctor` says about MPI (pure). */
import type { LauncherFacts, MpiExamination, MpiFacts } from '@mpibatch/native-mpi'
import { printable } from './printable.ts'

const NAME_WIDTH = 16

/** What the doctor found about MPI; the field `mpi` of its JSON. */
export interface MpiReport extends MpiExamination {
  /** The launcher that started the doctor itself; `null` without one. */
  readonly launcher: LauncherFacts | null
  /** The job that it is a rank of; `null` without a launcher. */
  readonly job: MpiFacts | null
  /** What is wrong, a sentence each. */
  readonly faults: readonly string[]
}

/** Judges what was found. */
export function judgeMpi(
  examination: MpiExamination,
  launcher: LauncherFacts | null,
  job: MpiFacts | null,
): MpiReport {
  const { addon, libraries, launchers } = examination
  const faults: string[] = []
  if (addon === null) {
    faults.push(
      'The addon of mpibatch was not built, so nothing runs under mpirun. Install a C++ compiler (Debian: g++) and run "npm run build".',
    )
  } else if (libraries.length === 0 && launchers.length > 0) {
    faults.push('There is a launcher, but no MPI library that can be opened. Name it in MPIBATCH_LIBMPI.')
  }
  for (const { command, facts, fault } of launchers) {
    if (facts === null)
      faults.push(`Two ranks started by ${command} did not meet: ${fault ?? 'no reason is known'}`)
  }
  return { ...examination, launcher, job, faults }
}

/** The lines for people. */
export function mpiText({ addon, libraries, launchers, launcher, job, faults }: MpiReport): string {
  const rows: (readonly [string, string])[] = []
  if (addon !== null && libraries.length === 0 && launchers.length === 0)
    rows.push(['MPI', 'none is installed'])
  for (const { path, version, abi } of libraries)
    rows.push(['MPI library', `${version} (${path}, ${abi} ABI)`])
  for (const { command, version, facts } of launchers) {
    const works = facts === null ? '' : `: 2 ranks met, ${facts.version}, thread level ${facts.threadLevel}`
    rows.push(['launcher', `${command}, ${version}${works}`])
  }
  if (job !== null && launcher !== null) {
    const { size, nodeCount, version, library, abi, threadLevel, hosts } = job
    const places = [...new Set(hosts)].map(
      (host) => `${host} (${hosts.filter((other) => other === host).length})`,
    )
    rows.push([
      'this job',
      `${size} ranks on ${nodeCount} nodes, started by ${launcher.name}: ${places.join(', ')}`,
    ])
    rows.push(['', `${version} (${library}, ${abi} ABI, thread level ${threadLevel})`])
  }
  const lines = rows.map(([name, text]) => `   ${name.padEnd(NAME_WIDTH)} ${printable(text)}`)
  return [...lines, ...faults.map((fault) => `   MPI: ${printable(fault)}`), ''].join('\n')
}
