/** What passes between the doctor and its processes: over IPC on this machine, as lines of JSON over ssh. */

/** A job to be done. */
export interface JobRequest {
  readonly id: number
  readonly job: string
  readonly input: unknown
}

/** How it went. */
export interface JobReply {
  readonly id: number
  readonly result?: unknown
  /** Set if the job failed. */
  readonly error?: { readonly message: string; readonly code: string }
}
