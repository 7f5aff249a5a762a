/**
 * Which process an instance is, well enough that another process of the same machine can tell whether it still runs.
 *
 * A process is named by the boot of its machine, its pid namespace, its pid, and its start time, so that neither a
 * restart nor a pid that is used again can be mistaken for it. Without `/proc` there is only the pid.
 */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs'
import { hostname } from 'node:os'

/** A process, as `info.json` records it. */
export interface ProcessIdentity {
  readonly host: string
  /** Differs after each boot; empty where the system does not tell. */
  readonly bootId: string
  /** Differs between containers; empty where there are none. */
  readonly pidNamespace: string
  readonly pid: number
  /** Clock ticks between boot and start; empty where the system does not tell. */
  readonly startTime: string
}

/** What `/proc/<pid>/stat` says of a process. */
export interface ProcessStat {
  readonly pid: number
  /** One letter; `Z` has ended and waits for its parent. */
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly threadCount: number
  readonly startTime: string
}

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  return {
    host: hostname(),
    bootId: readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '',
    pidNamespace: readNamespace(),
    pid: process.pid,
    startTime: readProcessStat(process.pid)?.startTime ?? '',
  }
}

/** Tells whether two processes are such that one can see whether the other runs. */
export function isSameMachine(one: ProcessIdentity, other: ProcessIdentity): boolean {
  if (one.bootId === '' || other.bootId === '') return one.bootId === other.bootId && one.host === other.host
  return one.bootId === other.bootId && one.pidNamespace === other.pidNamespace
}

/**
 * Tells whether a process ran before its machine was started anew. Only for processes of one machine, whatever it is
 * called by now: those that use one local disk.
 */
export function isBeforeReboot(self: ProcessIdentity, other: ProcessIdentity): boolean {
  return self.bootId !== '' && other.bootId !== '' && self.bootId !== other.bootId
}

/** Tells whether a process of this machine has ended. In doubt it has not. */
export function isGone(identity: ProcessIdentity): boolean {
  const stat = readProcessStat(identity.pid)
  if (stat !== undefined && identity.startTime !== '') {
    return stat.startTime !== identity.startTime || hasEnded(stat)
  }
  // Either there is no /proc, or it hides the processes of other users.
  return !existsProcess(identity.pid)
}

/** Tells whether a process has ended although it is still listed. */
export function hasEnded(stat: ProcessStat): boolean {
  // The first thread of a process may have ended alone, with others still at work.
  return stat.state === 'X' || (stat.state === 'Z' && stat.threadCount <= 1)
}

/** Reads about a process; `undefined` if it is not there, or there is no `/proc`. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  let descriptor: number
  try {
    descriptor = openSync(`/proc/${pid}/stat`, 'r')
  } catch {
    return undefined
  }
  try {
    // It is read for every command that Node starts: at once, and without asking for its size, which is unknown.
    return parseProcessStat(statBuffer.toString('latin1', 0, readSync(descriptor, statBuffer)))
  } catch {
    return undefined
  } finally {
    closeSync(descriptor)
  }
}

/** Longer than all fields of a process together can be. */
const statBuffer = Buffer.allocUnsafe(4096)

/** Reads the text of `/proc/<pid>/stat`; see proc(5). */
export function parseProcessStat(text: string): ProcessStat | undefined {
  // The command's name stands in parentheses and may contain blanks and parentheses itself.
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open === -1 || close === -1) return undefined
  const pid = Number(text.slice(0, open))
  const fields = text.slice(close + 2).split(' ')
  const [state, parent, group] = fields
  const threadCount = fields[17]
  const startTime = fields[19]
  if (state === undefined || threadCount === undefined || startTime === undefined) return undefined
  return {
    pid,
    state,
    parent: Number(parent),
    group: Number(group),
    threadCount: Number(threadCount),
    startTime,
  }
}

/** All processes that this one can see; empty without `/proc`. */
export function listProcesses(): readonly ProcessStat[] {
  let names: string[]
  try {
    names = readdirSync('/proc')
  } catch {
    return []
  }
  return names.flatMap((name) => (/^[0-9]+$/.test(name) ? (readProcessStat(Number(name)) ?? []) : []))
}

function existsProcess(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

function readNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
