/** What a process says about its machine and its mount of the directory (steps 1 and 7). */
import { mkdirSync, readFileSync, statfsSync } from 'node:fs'
import { hostname } from 'node:os'
import { codeOf } from '../../io-error.ts'
import type { Mount } from '../../mount-table.ts'
import { nodeFileLayer } from '../../node-file-layer.ts'

/** A file system as one machine has it mounted. */
export interface FileSystemFacts {
  /** Number of its type, as statfs(2) gives it. */
  readonly number: number
  readonly mount: Mount | null
  /** Free space for an ordinary user, bytes. */
  readonly freeSize: number
  /** Names that can still be made; `null` where the file system does not say. */
  readonly freeInodes: number | null
}

/** Asks the system about a directory. */
export function inspectFileSystem({ directory }: { directory: string }): FileSystemFacts {
  const { type, bsize, bavail, files, ffree } = statfsSync(directory)
  return {
    number: type >>> 0,
    mount: nodeFileLayer.mountOf(directory) ?? null,
    freeSize: bsize * bavail,
    freeInodes: files === 0 ? null : ffree,
  }
}

/** Makes a directory. */
export function makeDirectory({ directory }: { directory: string }): void {
  mkdirSync(directory)
}

/** The clocks of a machine at one moment. */
export interface ClockReading {
  readonly host: string
  readonly bootId: string
  /** Milliseconds of the clock that stands still while the machine sleeps. */
  readonly monotonicMs: number
  /** Milliseconds since the boot, sleep included; `null` where the system does not tell. */
  readonly uptimeMs: number | null
  /** Milliseconds since 1970. */
  readonly wallMs: number
}

/** Reads all clocks. */
export function readClocks(_: Record<string, never>): ClockReading {
  const uptime = Number(readText('/proc/uptime').split(' ')[0])
  return {
    host: hostname(),
    bootId: readText('/proc/sys/kernel/random/boot_id').trim(),
    monotonicMs: Number(process.hrtime.bigint()) / 1e6,
    uptimeMs: Number.isFinite(uptime) && uptime > 0 ? uptime * 1000 : null,
    wallMs: Date.now(),
  }
}

/** Reads a file, to tell whether two machines mean the same one. @returns Its text, or `!` and the error's code. */
export function readMarker({ path }: { path: string }): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    return `!${codeOf(error)}`
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
