/** Step 1: which file system it is, how it is mounted, and how much room it has. */
import type { FileSystemClass } from '../file-system-class.ts'
import { fileSystemClass } from '../file-system-class.ts'
import { mountHazards } from '../mount-hazards.ts'
import { hasMountOption, mountOptionNumber } from '../mount-table.ts'
import type { FileSystemFacts } from './jobs/machine-jobs.ts'
import type { Finding, StepOutcome } from './report.ts'

/** Names that a task needs beside its own files: its directory and its `state`. */
const INODES_PER_TASK = 2
const TASKS_ROOM_MIN = 1000
const FREE_SIZE_MIN = 64 * 1024 * 1024

/** Judges what the system says about the directory. */
export function judgeFileSystem(facts: FileSystemFacts): StepOutcome {
  const mount = facts.mount ?? undefined
  const kind = fileSystemClass(facts.number, mount)
  const findings: Finding[] = [...kindFindings(facts, kind)]
  for (const { code, singleInstance, message, advice } of mountHazards(mount, kind)) {
    findings.push({
      code,
      severity: 'degraded',
      message,
      advice,
      ...(singleInstance ? { singleInstance } : {}),
    })
  }
  const { freeInodes, freeSize } = facts
  const room = freeInodes === null ? null : Math.floor(freeInodes / INODES_PER_TASK)
  if (room !== null && room < TASKS_ROOM_MIN) {
    findings.push({
      code: 'few-inodes',
      severity: 'degraded',
      message: `There is room for ${room} more tasks: each needs ${INODES_PER_TASK} inodes, and ${freeInodes} are free.`,
      advice: 'Remove files, or choose another file system for many tasks.',
    })
  }
  if (freeSize < FREE_SIZE_MIN) {
    findings.push({
      code: 'little-space',
      severity: 'degraded',
      message: `Only ${Math.floor(freeSize / 1024 / 1024)} MiB are free.`,
      advice: 'Free some space; a run on a full disk ends with an error, and loses nothing.',
    })
  }
  const caching = ['acregmin', 'acregmax', 'acdirmin', 'acdirmax', 'actimeo'].flatMap((option) => {
    const seconds = mountOptionNumber(mount, option)
    return seconds === undefined ? [] : [[option, seconds] as const]
  })
  return {
    findings,
    measured: {
      type: mount?.type ?? kind.name,
      source: mount?.source ?? '',
      point: mount?.point ?? '',
      options: mount?.options ?? [],
      class: kind.name,
      sharing: kind.sharing,
      claimSync: kind.claimSync,
      cacheSeconds: Object.fromEntries(caching),
      lookupCache: mount?.options.find((option) => option.startsWith('lookupcache='))?.slice(12) ?? 'all',
      freeSize,
      freeInodes,
      roomForTasks: room,
    },
  }
}

function kindFindings({ mount }: FileSystemFacts, { name, sharing }: FileSystemClass): readonly Finding[] {
  const findings: Finding[] = []
  if (name === 'tmpfs' || mount?.type === 'ramfs') {
    findings.push({
      code: 'memory-disk',
      severity: 'degraded',
      message:
        'It is a memory disk: a restart of the machine or the container loses every state and every result.',
      advice: 'Good for tests and for tasks whose results are copied away; else choose a disk.',
    })
  }
  if (sharing === 'cached' && mount !== null && !mount.type.startsWith('nfs')) {
    findings.push({
      code: 'unknown-kind',
      severity: 'note',
      message: `${mount.type} is not a file system that is known here; it is treated with the greatest care: directories are synced after claims, and instances wait long for each other.`,
    })
  }
  if (mount?.type.startsWith('nfs') === true) {
    findings.push({
      code: 'server-unseen',
      severity: 'note',
      message: 'Whether the server keeps what it confirms can not be seen from here.',
      advice: 'Make sure that it is exported with "sync", not "async".',
    })
    if (['flock', 'posix', 'all'].some((kind) => hasMountOption(mount, `local_lock=${kind}`)))
      findings.push({
        code: 'local-locks',
        severity: 'note',
        message: 'File locks hold on this machine alone; the store uses none.',
      })
  }
  return findings
}
