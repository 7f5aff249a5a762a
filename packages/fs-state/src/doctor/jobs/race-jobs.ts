/** What each process does when several try to make the same names (step 2). */
import {
  closeSync,
  constants,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { codeOf } from '../../io-error.ts'
import { nodeFileLayer } from '../../node-file-layer.ts'
import { moveDirectory } from '../../task-directories.ts'

const { O_CREAT, O_EXCL, O_WRONLY } = constants

/** The ways to make a name that must be free; `move` moves a directory there that was built elsewhere. */
export const RACE_OPERATIONS = ['link', 'symlink', 'file', 'mkdir', 'move'] as const

/** One of {@link RACE_OPERATIONS}. */
export type RaceOperation = (typeof RACE_OPERATIONS)[number]

/** Names to be made: `first`, `first + 1`, … */
export interface RaceInput {
  readonly directory: string
  readonly operation: RaceOperation
  readonly first: number
  readonly count: number
  /** Who tries, one word. */
  readonly owner: string
}

/** How one try went. */
export interface RaceAttempt {
  /** Empty if the name was made, else the error's code. */
  readonly code: string
  /** Whose text a loser read there at once. */
  readonly seen?: string
}

const NAME_TAKEN = Object.assign(new Error('The name is taken'), { code: 'EEXIST' })

/** Makes the file that this process links to. */
export function makeToken({ directory, owner }: { directory: string; owner: string }): void {
  writeFileSync(tokenOf(directory, owner), owner)
}

/** Tries to make each of the names, in order. */
export function race(input: RaceInput): readonly RaceAttempt[] {
  const { operation, first, count } = input
  const attempts: RaceAttempt[] = []
  for (let index = first; index < first + count; index += 1) {
    const path = nameOf(input, index)
    try {
      make(input, path)
      attempts.push({ code: '' })
    } catch (error) {
      const code = codeOf(error)
      // An event's text is there before its name, except in a file, whose winner may still be writing.
      const reads = code === 'EEXIST' && operation !== 'file' && operation !== 'mkdir'
      attempts.push(reads ? { code, seen: read(operation, path) } : { code })
    }
  }
  return attempts
}

/** Reads what became of the names; a text that begins with `!` is the code of an error. */
export function readRaced(input: Omit<RaceInput, 'owner'>): readonly string[] {
  return Array.from({ length: input.count }, (_, offset) =>
    read(input.operation, nameOf(input, input.first + offset)),
  )
}

function make({ directory, operation, owner }: RaceInput, path: string): void {
  switch (operation) {
    case 'link':
      linkSync(tokenOf(directory, owner), path)
      break
    case 'symlink':
      symlinkSync(owner, path)
      break
    case 'mkdir':
      mkdirSync(path)
      break
    case 'move': {
      const staged = `${path}.${owner}`
      mkdirSync(staged)
      writeFileSync(textOf(staged), owner)
      // As a first claim does, which then reads whose it is, whatever the system says of a move that it refuses.
      if (moveDirectory(nodeFileLayer, staged, path) !== undefined) throw NAME_TAKEN
      break
    }
    case 'file': {
      const descriptor = openSync(path, O_WRONLY | O_CREAT | O_EXCL)
      try {
        writeSync(descriptor, owner)
      } finally {
        closeSync(descriptor)
      }
    }
  }
}

function read(operation: RaceOperation, path: string): string {
  try {
    if (operation === 'symlink') return readlinkSync(path)
    if (operation === 'mkdir') return ''
    return readFileSync(operation === 'move' ? textOf(path) : path, 'utf8')
  } catch (error) {
    return `!${codeOf(error)}`
  }
}

function nameOf({ directory, operation }: Omit<RaceInput, 'owner'>, index: number): string {
  return `${directory}/${operation}.${index}`
}

/** In a directory that is moved: whose it is. */
function textOf(directory: string): string {
  return `${directory}/owner`
}

function tokenOf(directory: string, owner: string): string {
  return `${directory}/token.${owner}`
}
