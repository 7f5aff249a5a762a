import { execFileSync, spawnSync } from 'node:child_process'
import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts'
import type { CommandResult } from '../../src/command/command-runner.ts'
import { failureMessage } from '../../src/command/failure-message.ts'

const times = { startedAtMs: 0, durationMs: 1 }
const failed: CommandResult = { ...times, reason: 'exit', exitCode: 3 }

/** The message for a failure after which standard error holds a text. */
function messageAfter(stderr: string | Buffer, result: CommandResult = failed): string {
  const path = join(temporaryDirectory(), 'stderr')
  writeFileSync(path, stderr)
  return failureMessage(result, path)
}

describe('failureMessage', () => {
  it('ends with the last line that has something on it', () => {
    expect(messageAfter('Traceback:\n  ValueError: no beam \n\n \n')).toBe('exit code 3: ValueError: no beam')
    expect(messageAfter('no newline')).toBe('exit code 3: no newline')
    expect(messageAfter('10 %\r50 %\rfailed')).toBe('exit code 3: failed')
  })

  it('quotes the error of a Node program, not what Node says behind it', () => {
    const cause = "new Error('no beam', { cause: new RangeError('inner') })"
    const { stderr } = spawnSync(process.execPath, ['-e', `function f() { throw ${cause} }; f()`], {
      encoding: 'utf8',
    })
    expect(stderr.trimEnd()).toMatch(/\nNode\.js v[\d.]+$/)
    expect(messageAfter(stderr)).toMatch(/^exit code 3: .*(Error: no beam|RangeError: inner)/)
    expect(messageAfter("thrown: 'a text'\n\nNode.js v20.20.2\n")).toBe("exit code 3: thrown: 'a text'")
  })

  it('is the reason alone where there is nothing to quote', () => {
    expect(messageAfter('')).toBe('exit code 3')
    expect(failureMessage(failed, '/no/such/directory/stderr')).toBe('exit code 3')
    expect(failureMessage(failed, undefined)).toBe('exit code 3')
  })

  it.each([
    [{ ...times, reason: 'signal', signal: 'SIGSEGV' }, 'ended by SIGSEGV: last'],
    [
      { ...times, reason: 'timeout', signal: 'SIGTERM', message: 'It ran longer than 2 s.' },
      'It ran longer than 2 s.: last',
    ],
    [
      { ...failed, exitCode: 127, message: 'the shell found no such command' },
      'exit code 127, the shell found no such command: last',
    ],
    [{ ...times, reason: 'not-found', message: 'There is no program x.' }, 'There is no program x.'],
    [{ ...times, reason: 'interrupted' }, 'interrupted'],
  ] as const)('says what %o means', (result, message) => {
    expect(messageAfter('last\n', result)).toBe(message)
  })

  it('strips escape sequences, control characters and reversed text', () => {
    expect(messageAfter('\x1b[31mred\x1b[0m \x07bell\ttab \u202Eevil\n')).toBe(
      'exit code 3: red  bell tab  evil',
    )
    expect(messageAfter('\x1b]0;title\x07text')).toBe('exit code 3: text')
  })

  it('reads the end of a long file only, and cuts a long line', () => {
    expect(messageAfter(`first\n${'x'.repeat(1_000_000)}\nlast\n`)).toBe('exit code 3: last')
    const message = messageAfter('é'.repeat(100_000))
    expect(message).toHaveLength('exit code 3: '.length + 200)
    expect(message.endsWith('é…')).toBe(true)
  })

  it('survives bytes that are no text', () => {
    expect(messageAfter(Buffer.from([0xff, 0xfe, 0x0a, 0x00]))).toMatch(/^exit code 3: \uFFFD/)
  })

  it('neither waits for a pipe nor follows a link in the place of the log', () => {
    const path = join(temporaryDirectory(), 'stderr')
    execFileSync('mkfifo', [path])
    expect(failureMessage(failed, path)).toBe('exit code 3')
    rmSync(path)
    symlinkSync('/etc/passwd', path)
    expect(failureMessage(failed, path)).toBe('exit code 3')
  })
})
