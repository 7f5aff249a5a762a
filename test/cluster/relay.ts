/** Runs a program in both nodes at once, as two ranks; messages between them pass through this process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Bed } from './bed.ts'

/** A program that uses `fixtures/relayed-communicator.mjs`, with its rank as the first argument. */
export interface RelayedProgram {
  readonly path: string
  readonly argv: readonly string[]
  /** @defaultValue 60,000 */
  readonly timeoutMs?: number
}

/**
 * @returns What each rank said at its end.
 * @throws Error with what they have printed, if one ends without a result, or too late.
 */
export async function runRelayed<T>(bed: Bed, program: RelayedProgram): Promise<[T, T]> {
  const children = bed.fileSystem.nodes.map((node, rank) => {
    const line = [process.execPath, program.path, String(rank), ...program.argv]
    const { file, argv, environment } = bed.commandIn(node, line)
    return spawn(file, argv, { env: environment, stdio: 'pipe' })
  })
  const timer = setTimeout(() => {
    for (const child of children) child.kill('SIGKILL')
  }, program.timeoutMs ?? 60_000)
  try {
    const results = await Promise.all(children.map((child) => relay<T>(child, children)))
    return results as [T, T]
  } finally {
    clearTimeout(timer)
    for (const child of children) child.kill('SIGKILL')
  }
}

function relay<T>(child: ChildProcess, all: readonly ChildProcess[]): Promise<T> {
  return new Promise((resolve, reject) => {
    let said = ''
    let result: T | undefined
    if (child.stdout === null || child.stderr === null) throw new Error('Its output is not piped.')
    child.stderr.on('data', (bytes: Buffer) => {
      said += bytes
    })
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [word, destination, text] = line.split(' ')
      if (word === 'to') all[Number(destination)]?.stdin?.write(`${text}\n`)
      else if (word === 'result') result = JSON.parse(line.slice('result '.length)) as T
      else said += `${line}\n`
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (result === undefined) reject(new Error(`A rank ended with ${code ?? signal} and said: ${said}`))
      else resolve(result)
    })
  })
}
