import type { LauncherFacts, LauncherFamily } from './launcher.ts'

/** Names under which MPI libraries are installed, without version and with the versions of their binary interface. */
const NAMES: Readonly<Record<LauncherFamily, readonly string[]>> = {
  // Open MPI 1.10 to 5 (libmpi.so.12 was also Open MPI 1.10; it is no library of MPICH's then, and is told by its symbols).
  openmpi: ['libmpi.so.40', 'libmpi.so.20'],
  // The MPICH ABI is libmpi.so.12 (MPICH, Intel MPI, MVAPICH, Cray); Debian calls MPICH's libmpich.so.12.
  mpich: ['libmpich.so.12', 'libmpi.so.12', 'libmpi_cray.so.12', 'libmpi_intel.so.12'],
}
/** The standard ABI of MPI 5, which libraries of both families may bring. */
const STANDARD = ['libmpi_abi.so.1', 'libmpi_abi.so.0', 'libmpi_abi.so']
/** Whatever the linker finds first. */
const PLAIN = ['libmpi.so']

/**
 * Lists the libraries to try, the likeliest first (pure).
 *
 * @param chosen - A path or a name that the user gave: the only one then.
 */
export function libraryNames(launcher: LauncherFacts | undefined, chosen?: string): readonly string[] {
  if (chosen !== undefined && chosen !== '') return [chosen]
  const family = launcher?.family
  if (family !== undefined) return [...NAMES[family], ...STANDARD, ...PLAIN]
  return [...NAMES.openmpi, ...NAMES.mpich, ...STANDARD, ...PLAIN]
}
