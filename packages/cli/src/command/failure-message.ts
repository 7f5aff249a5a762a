import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import type { CommandResult } from './command-runner.ts'

/** How much of the end of standard error is read. */
const TAIL_SIZE = 4096
/** Longest line that is quoted, in characters. */
const LINE_LENGTH_MAX = 200

/**
 * Says on one line why a command failed: exit code or signal, what the runner knows, and the last line that the
 * command wrote on standard error.
 *
 * @param stderrPath - Where the command's standard error went; without it, or without a file there, nothing is quoted.
 */
export function failureMessage(result: CommandResult, stderrPath: string | undefined): string {
  const started = result.exitCode !== undefined || result.signal !== undefined
  const line = started && stderrPath !== undefined ? lastLineOf(stderrPath) : undefined
  const reason = reasonOf(result)
  return line === undefined ? reason : `${reason}: ${line}`
}

function reasonOf(result: CommandResult): string {
  const { reason, exitCode, signal, message } = result
  switch (reason) {
    case 'exit':
      return message === undefined ? `exit code ${exitCode}` : `exit code ${exitCode}, ${message}`
    case 'signal':
      return `ended by ${signal}`
    default:
      return message === undefined ? reason : oneLine(message)
  }
}

/** With this line Node ends what it says of an error that nobody caught. */
const NODE_END = /^Node\.js v\d/
/** What it says of the error itself stands above its stack. */
const ERROR_LINE = /^(Uncaught )?[\w$.]*(Error|Exception)\b/

/** The last line with something on it, made safe to print; `undefined` if there is none. Of an error in Node, its message. */
function lastLineOf(path: string): string | undefined {
  const text = tailOf(path)
  const lines = stripVTControlCharacters(text)
    .split(/[\r\n]+/)
    .map(oneLine)
    .filter((line) => line !== '')
  const last = lines.at(-1)
  if (last === undefined || !NODE_END.test(last)) return last
  return lines.findLast((line) => ERROR_LINE.test(line)) ?? lines.at(-2) ?? last
}

function tailOf(path: string): string {
  let descriptor: number
  try {
    // A command may have put anything in place of its log; a pipe must not hold us up.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch {
    return ''
  }
  try {
    const status = fstatSync(descriptor)
    if (!status.isFile()) return ''
    const buffer = Buffer.alloc(TAIL_SIZE)
    const size = readSync(descriptor, buffer, 0, TAIL_SIZE, Math.max(0, status.size - TAIL_SIZE))
    return buffer.toString('utf8', 0, size)
  } catch {
    return ''
  } finally {
    closeSync(descriptor)
  }
}

function oneLine(text: string): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim()
  const characters = Array.from(plain)
  return characters.length <= LINE_LENGTH_MAX
    ? plain
    : `${characters.slice(0, LINE_LENGTH_MAX - 1).join('')}…`
}
