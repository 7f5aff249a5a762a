/** Port: files as memory that is read without copying them. */
export interface FileMapping {
  /**
   * Maps the whole of a file for reading only, shared with all who map it.
   *
   * @param descriptor - Open for reading; closed by the caller.
   * @param sizeBytes - Size of the file; not 0.
   */
  map(descriptor: number, sizeBytes: number): ArrayBuffer
  /** Ends a mapping; the buffer's length is 0 from then on. */
  unmap(buffer: ArrayBuffer): void
}
