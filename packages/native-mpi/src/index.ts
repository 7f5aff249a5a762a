/**
 * MPI, opened at run time: no compiler and no MPI are needed to install this, and one build works with every library.
 * Start at `mpi-job.ts`; the C++ side starts at `native/mpi_thread.h`.
 */
export { examineMpi, type FoundLibrary, type MpiExamination, type TriedLauncher } from './examine-mpi.ts'
export { type FileMapping, openFileMapping } from './file-mapping.ts'
export { detectLauncher, type LauncherFacts, type LauncherFamily } from './launcher.ts'
export { libraryNames } from './library-names.ts'
export { withoutLibrarySettings } from './library-settings.ts'
export { type MpiFacts, type MpiJob, type MpiJobOptions, openMpiJob } from './mpi-job.ts'
export { addonPath } from './native.ts'
