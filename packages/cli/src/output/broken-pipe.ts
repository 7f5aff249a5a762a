import { EXIT_CODE } from '../exit-code.ts'

let endsProgram = true

/** `mpibatch list | head` ends quietly when the reader has seen enough. For errors of standard output. */
export function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  if (endsProgram) process.exit(process.exitCode ?? EXIT_CODE.done)
}

/** From now on a reader that goes away ends nothing: what runs is worth more than what it prints. */
export function outliveReaders(): void {
  endsProgram = false
}
