/** What making events and syncing costs (steps 4 and 5). */
import {
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import type { EventMedium } from '../../event-token.ts'
import { codeOf } from '../../io-error.ts'

const { O_DIRECTORY, O_RDONLY } = constants

/** A cost in microseconds, or the code of the error that kept it from being measured. */
export interface Cost {
  /** Median; absent if the call fails. */
  readonly microseconds?: number
  /** Empty, or the error's code. */
  readonly code: string
}

/** Makes events in each of the three ways. */
export function timeMedia({
  directory,
  budgetMs,
}: {
  directory: string
  budgetMs: number
}): Record<EventMedium, Cost> {
  const token = `${directory}/token`
  const text = '1 CLAIM 0123456789abcdef 0 01234567'
  writeFileSync(token, text)
  return {
    link: measure(budgetMs, (count) => linkSync(token, `${directory}/link.${count}`)),
    symlink: measure(budgetMs, (count) => symlinkSync(text, `${directory}/symlink.${count}`)),
    file: measure(budgetMs, (count) => {
      const descriptor = openSync(`${directory}/file.${count}`, 'wx')
      try {
        writeSync(descriptor, text)
        fsyncSync(descriptor)
      } finally {
        closeSync(descriptor)
      }
    }),
  }
}

/** How many links a file takes. */
export interface LinkLimit {
  /** Links made before the error, the bound or the end of the time. */
  readonly made: number
  /** Empty, or the error's code. */
  readonly code: string
}

/** Links to one file until the file system refuses, `countMax` links are there, or the time is over. */
export function countLinks(input: { directory: string; countMax: number; budgetMs: number }): LinkLimit {
  const { directory, countMax, budgetMs } = input
  const token = `${directory}/links`
  writeFileSync(token, '')
  const end = performance.now() + budgetMs
  let made = 0
  let code = ''
  try {
    for (; made < countMax && performance.now() < end; made += 1) linkSync(token, `${token}.${made}`)
  } catch (error) {
    code = codeOf(error)
  }
  for (let index = 0; index < made; index += 1) unlinkSync(`${token}.${index}`)
  return { made, code }
}

/** Links from one directory into another. @returns Empty, or the error's code. */
export function linkAcross({ directory }: { directory: string }): string {
  try {
    for (const name of ['from', 'to']) mkdirSync(`${directory}/${name}`)
    writeFileSync(`${directory}/from/token`, '')
    linkSync(`${directory}/from/token`, `${directory}/to/event`)
    return ''
  } catch (error) {
    return codeOf(error)
  }
}

/** Syncs a file that was just written, and the directory that it is in. */
export function timeSync(input: { directory: string; budgetMs: number }): {
  readonly file: Cost
  readonly directory: Cost
} {
  const { directory, budgetMs } = input
  return {
    file: measure(budgetMs, (count) => {
      const descriptor = openSync(`${directory}/synced.${count}`, 'wx')
      try {
        writeSync(descriptor, 'DONE\n')
        fsyncSync(descriptor)
      } finally {
        closeSync(descriptor)
      }
    }),
    directory: measure(budgetMs, (count) => {
      writeFileSync(`${directory}/named.${count}`, '')
      const descriptor = openSync(directory, O_RDONLY | O_DIRECTORY)
      try {
        fsyncSync(descriptor)
      } finally {
        closeSync(descriptor)
      }
    }),
  }
}

/** Times of a call that are taken at most. */
const SAMPLES_MAX = 200

function measure(budgetMs: number, call: (count: number) => void): Cost {
  const times: number[] = []
  const end = performance.now() + budgetMs
  try {
    for (let count = 0; count < SAMPLES_MAX && (count < 3 || performance.now() < end); count += 1) {
      const start = performance.now()
      call(count)
      times.push((performance.now() - start) * 1000)
    }
  } catch (error) {
    return { code: codeOf(error) }
  }
  times.sort((one, other) => one - other)
  return { microseconds: Math.round(times[times.length >> 1] ?? 0), code: '' }
}
