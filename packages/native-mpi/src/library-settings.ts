/**
 * Settings that MPI libraries read from the environment when they are opened, and that Node can't do without.
 *
 * UCX, under MPICH, replaces functions of the memory allocator while V8's compiler uses them, and takes the handlers of
 * SIGSEGV and others, by which WebAssembly notices an access out of bounds. Both have to be off before it is loaded.
 */
const SETTINGS: Readonly<Record<string, string>> = { UCX_MEM_EVENTS: 'no', UCX_ERROR_SIGNALS: '' }

/** What the user had set, as tasks are to inherit it. */
const replaced = new Map<string, string | undefined>()

/** Sets them for this process, and does what opens the library. */
export function withLibrarySettings(open: () => void): void {
  for (const [name, value] of Object.entries(SETTINGS)) {
    if (!replaced.has(name)) replaced.set(name, process.env[name])
    process.env[name] = value
  }
  open()
}

/** An environment as it was before MPI was opened, for programs that are none of MPI's. */
export function withoutLibrarySettings(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return { ...environment, ...Object.fromEntries(replaced) }
}
