/** The addon: finding it, loading it once, and the types of what it offers. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { MpiError } from '@mpibatch/batch-core'

/** What MPI said of the job when it had started. */
export interface NativeFacts {
  /** File of the library. */
  readonly path: string
  /** First line of MPI_Get_library_version. */
  readonly version: string
  readonly abi: 'openmpi' | 'mpich' | 'standard'
  /** The level that the library provides: single, funneled, serialized or multiple. */
  readonly threadLevel: string
  readonly rank: number
  readonly size: number
  /** For each rank the lowest rank with which it shares memory. */
  readonly nodes: readonly number[]
  /** For each rank the name of its host. */
  readonly hosts: readonly string[]
}

/** What the MPI thread reports, in the order in which it happened. */
export type NativeEvent =
  | readonly ['started', NativeFacts]
  | readonly ['message', source: number, bytes: Uint8Array]
  | readonly ['reply', id: number, value: number | undefined, words: Uint8Array]
  | readonly ['met']
  | readonly ['failed', call: string, errorClass: number, text: string]

/** The functions of the addon; see `native/addon.cc`. Those below `start` may be called after it only. */
export interface Native {
  /** Makes zeroed memory that other processes of the node open by its path. */
  allocate(sizeBytes: number): { readonly buffer: ArrayBuffer; readonly path: string }
  map(path: string, sizeBytes: number): ArrayBuffer
  /** Maps the same memory once more; a write there ends the process, with this sentence on standard error. */
  mapReadOnly(buffer: ArrayBuffer, sentence: string): ArrayBuffer
  /** Closes the file behind memory: nobody can map it again from here. What is mapped stays. */
  closeFile(buffer: ArrayBuffer): void
  /** Frees memory; the buffer's length is 0 from then on. */
  unmap(buffer: ArrayBuffer): void
  /** Maps a file for reading only; in any thread. The descriptor may be closed then. */
  mapFile(descriptor: number, sizeBytes: number): ArrayBuffer
  /** Ends what {@link mapFile} began; the buffer's length is 0 from then on. */
  unmapFile(buffer: ArrayBuffer): void
  /** Looks at a word while it has a value, no longer than so, and gives the processor to others between two looks. */
  watch(buffer: ArrayBuffer, index: number, value: number, microsecondsMax: number): void
  /** Blocks while a word has a value and nobody wakes it, no longer than so; does nothing on unmapped memory. */
  park(buffer: ArrayBuffer, index: number, value: number, microsecondsMax: number): void
  /** Wakes a thread of any process that is parked on the word. */
  wake(buffer: ArrayBuffer, index: number): void

  /**
   * Opens what starts processes, for this thread: they are killed when it ends.
   *
   * @param onStart - Hears what has come of each that was asked for: its number, or a negative error number; its start
   *   time as `/proc/PID/stat` has it, negative if only that can tell; and how many milliseconds it has waited.
   * @param onEnd - Hears of the end of each, in a later turn: its exit code and the number of its signal, of which one is
   *   0, or both -1 if somebody else has collected it; and whether others of its process group are left.
   */
  openSpawner(
    onStart: (id: number, pid: number, startTime: number, waitedMs: number) => void,
    onEnd: (pid: number, exitCode: number, signal: number, isGroupLeft: boolean) => void,
  ): NativeSpawner

  /** Opens a library and asks it what it is; its name's fault if it is none. Starts nothing. */
  inspect(
    name: string,
  ): { readonly path: string; readonly version: string; readonly abi: NativeFacts['abi'] } | string

  /**
   * Opens what another process of this user has open.
   *
   * @returns A descriptor of this process, closed on exec; a negative error number if the system does not allow it.
   */
  adoptDescriptor(pid: number, descriptor: number): number

  /** Starts the MPI thread. Once per process. */
  start(
    libraries: readonly string[],
    silenceMs: number,
    token: string,
    listener: (...event: NativeEvent) => void,
  ): void
  keepAlive(isAlive: boolean): void
  /** Sends a copy. */
  send(destination: number, bytes: Uint8Array): void
  /** Operates on a window of another rank; a reply of the same id follows. Int32 words with operations 6 and 7 only. */
  operate(
    owner: number,
    id: number,
    window: number,
    operation: number,
    index: number,
    value: number,
    expected: number,
    count: number,
    words?: Int32Array,
  ): void
  serve(buffer: ArrayBuffer): number
  stopServing(window: number): void
  /** Waits for all ranks (MPI_Ibarrier); 'met' follows. */
  meet(): void
  /**
   * MPI_Finalize. Blocks; where the library is known to hang there, ends the process instead. Ranks that have not met do
   * so now; if the others don't come within 5 s, the job is aborted.
   */
  finalize(exitCode: number): void
  /** MPI_Abort, when what this rank has printed had time to reach a person; ends this process in any case. */
  abort(exitCode: number): never
}

/** What {@link Native.openSpawner} opens. */
export interface NativeSpawner {
  /**
   * Has a process started by a thread of the addon; see `native/spawner_thread.h`.
   *
   * @param id - Names it in the answer; up to 2^32 - 1.
   * @param words - Each with a NUL behind it, as `environment`.
   * @param output - Descriptor for standard output; below 0: nowhere, as `errors`. Open until the answer.
   * @param waitMaxMs - Later than that it is not started (ECANCELED).
   * @param group - Its first element becomes the number of the process before the program runs; kept until the answer.
   */
  spawn(
    id: number,
    file: string,
    directory: string,
    words: string,
    environment: string,
    output: number,
    errors: number,
    waitMaxMs: number,
    group: Int32Array | undefined,
  ): void
  /** Says whether news that may come keep this thread alive; at first they don't. */
  keepAlive(isAlive: boolean): void
}

let loaded: Native | undefined

/** Where the addon for this machine lies. */
export const addonPath: string = fileURLToPath(
  new URL(`../build/${process.platform}-${process.arch}.node`, import.meta.url),
)

/**
 * Loads the addon, no MPI library yet.
 *
 * @throws {@link MpiError} if there is none for this machine.
 */
export function loadNative(): Native {
  if (loaded !== undefined) return loaded
  if (!existsSync(addonPath)) {
    throw new MpiError(
      `MPI needs the addon of mpibatch, which is not there: ${addonPath}. Install a C++ compiler (Debian: g++) and run "npm run build", or start without mpirun.`,
      { details: { path: addonPath } },
    )
  }
  try {
    loaded = createRequire(import.meta.url)(addonPath) as Native
  } catch (error) {
    throw new MpiError(`The addon of mpibatch can't be loaded: ${(error as Error).message}`, {
      cause: error,
      details: { path: addonPath },
    })
  }
  return loaded
}
