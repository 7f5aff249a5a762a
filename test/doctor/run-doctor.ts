import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { DoctorReport, Finding, StepReport } from '@mpibatch/fs-state'
import { onTestFinished } from 'vitest'

const PROGRAM = join(import.meta.dirname, '../../packages/cli/bin/mpibatch.mjs')

/** How `mpibatch doctor --json` ended. */
export interface Examined {
  readonly exitCode: number | null
  readonly report: DoctorReport
  /** All findings that are worth a word. */
  readonly findings: readonly Finding[]
  /** Codes of the findings of a step. */
  codes(step: number): readonly string[]
  measured(step: number): StepReport['measured']
}

/** How a program ended. */
export interface EndedProgram {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs `mpibatch`, in a namespace if a prefix leads there.
 *
 * @param prefix - Words before the program, as `nsenter` needs.
 */
export async function runMpibatch(
  argv: readonly string[],
  options: { readonly prefix?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<EndedProgram> {
  const [program = '', ...words] = [...(options.prefix ?? []), process.execPath, PROGRAM, ...argv]
  const child = spawn(program, words, {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const texts = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    texts.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    texts.stderr += text
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return { exitCode, ...texts }
}

/** Runs `mpibatch doctor --json`. */
export async function examine(
  argv: readonly string[],
  options: Parameters<typeof runMpibatch>[1] = {},
): Promise<Examined> {
  const { exitCode, stdout, stderr } = await runMpibatch(['doctor', '--json', ...argv], options)
  if (!stdout.startsWith('{')) throw new Error(`No report, exit code ${exitCode}: ${stderr}`)
  const report = JSON.parse(stdout) as DoctorReport
  const ofStep = (step: number): readonly StepReport[] => report.steps.filter((one) => one.step === step)
  const isWorthAWord = ({ severity }: Finding): boolean => severity !== 'ok'
  return {
    exitCode,
    report,
    findings: report.steps.flatMap(({ findings }) => findings).filter(isWorthAWord),
    codes: (step) =>
      ofStep(step)
        .flatMap(({ findings }) => findings)
        .filter(isWorthAWord)
        .map(({ code }) => code),
    measured: (step) => ofStep(step)[0]?.measured ?? {},
  }
}
