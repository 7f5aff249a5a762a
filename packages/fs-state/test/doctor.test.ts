import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { judgeClocks } from '../src/doctor/clock-step.ts'
import { judgeFileSystem } from '../src/doctor/file-system-step.ts'
import { judgeHeartbeat } from '../src/doctor/heartbeat-step.ts'
import type { ClockReading } from '../src/doctor/jobs/machine-jobs.ts'
import { judgeLocks } from '../src/doctor/lock-step.ts'
import { judgeMedia, type MediumMeasurement } from '../src/doctor/medium-step.ts'
import type { Finding } from '../src/doctor/report.ts'
import { judgeSync } from '../src/doctor/sync-step.ts'
import { judgeTree } from '../src/doctor/tree-step.ts'
import { judgeAll } from '../src/doctor/verdict-step.ts'
import { judgeVisibility, type VisibilityDelays } from '../src/doctor/visibility-step.ts'
import { fileSystemClass } from '../src/file-system-class.ts'
import type { Mount } from '../src/mount-table.ts'

const EXT4 = 0xef53
const NFS = 0x6969
const FUSE = 0x65735546
const TMPFS = 0x01021994

function mounted(type: string, ...options: string[]): Mount {
  return { type, source: 'source', point: '/point', options }
}

function codesOf(findings: readonly Finding[]): string[] {
  return findings.map(({ code }) => code)
}

describe('step 1, the file system', () => {
  const room = { freeSize: 1e12, freeInodes: 1e6 }

  it.each([
    ['a local disk', EXT4, mounted('ext4', 'rw'), []],
    ['a memory disk', TMPFS, mounted('tmpfs', 'rw'), ['memory-disk']],
    ['NFS', NFS, mounted('nfs4', 'rw', 'hard'), ['server-unseen']],
    ['NFS with nocto', NFS, mounted('nfs4', 'nocto'), ['server-unseen', 'nocto']],
    ['NFS with soft', NFS, mounted('nfs4', 'soft'), ['server-unseen', 'soft']],
    ['NFS with local locks', NFS, mounted('nfs', 'local_lock=all'), ['server-unseen', 'local-locks']],
    ['an object store', FUSE, mounted('fuse.s3fs'), ['unknown-kind', 'object-store']],
    [
      'an object store without a subtype',
      FUSE,
      { ...mounted('fuse'), source: 's3fs' },
      ['unknown-kind', 'object-store'],
    ],
  ] as const)('of %s has its findings', (_what, number, mount, codes) => {
    expect(codesOf(judgeFileSystem({ number, mount, ...room }).findings)).toEqual(codes)
  })

  it('lets one instance at a time work where opened files may be old', () => {
    const { findings } = judgeFileSystem({ number: NFS, mount: mounted('nfs4', 'nocto'), ...room })
    expect(findings.find(({ code }) => code === 'nocto')).toMatchObject({
      severity: 'degraded',
      singleInstance: true,
    })
  })

  it('says for how many tasks there is room, and nothing where the file system does not count', () => {
    const full = { number: EXT4, mount: mounted('ext4'), freeSize: 1024, freeInodes: 99 }
    const { findings, measured } = judgeFileSystem(full)
    expect(codesOf(findings)).toEqual(['few-inodes', 'little-space'])
    expect(measured.roomForTasks).toBe(49)
    expect(judgeFileSystem({ ...full, freeSize: 1e12, freeInodes: null }).findings).toEqual([])
  })
})

describe('step 4, events', () => {
  const usual: MediumMeasurement = {
    costs: {
      link: { microseconds: 5, code: '' },
      symlink: { microseconds: 6, code: '' },
      file: { microseconds: 500, code: '' },
    },
    limit: { made: 30_001, code: '' },
    acrossCode: '',
  }

  it.each([
    ['links', {}, 'link', []],
    [
      'symbolic links where links are refused',
      { costs: { ...usual.costs, link: { code: 'EPERM' } } },
      'symlink',
      [],
    ],
    [
      'symbolic links where links stay in one directory',
      { acrossCode: 'EXDEV' },
      'symlink',
      ['no-links-across'],
    ],
    [
      'symbolic links where they are much faster',
      { costs: { ...usual.costs, link: { microseconds: 50, code: '' } } },
      'symlink',
      ['slow-links'],
    ],
    [
      'symbolic links where a file takes few links',
      { limit: { made: 8, code: 'EMLINK' } },
      'symlink',
      ['few-links'],
    ],
    [
      'links where a file takes some thousand',
      { limit: { made: 5000, code: 'EMLINK' } },
      'link',
      ['few-links'],
    ],
    [
      'files where there is nothing else',
      { costs: { ...usual.costs, link: { code: 'EPERM' }, symlink: { code: 'EPERM' } } },
      'file',
      [],
    ],
  ] as const)('are %s', (_what, change, medium, codes) => {
    const outcome = judgeMedia({ ...usual, ...change })
    expect(outcome.medium).toBe(medium)
    expect(codesOf(outcome.findings)).toEqual(codes)
  })
})

describe('steps 5 to 9', () => {
  const fine = { microseconds: 500, code: '' }

  it.each([
    ['both work', fine, fine, ['tested']],
    ['directories know no sync', fine, { code: 'EINVAL' }, ['no-directory-sync', 'tested']],
    ['directories fail', fine, { code: 'EIO' }, ['directory-sync-fails', 'tested']],
    ['files fail', { code: 'EIO' }, fine, ['no-file-sync']],
    ['they are slow', { microseconds: 60_000, code: '' }, fine, ['tested', 'slow-sync']],
  ] as const)('5: syncing where %s', (_what, file, directory, codes) => {
    expect(codesOf(judgeSync({ file, directory }).findings)).toEqual(codes)
  })

  const soon: VisibilityDelays = { content: 1, mtime: 1, ctime: 1, newName: 1, absentName: 1, listing: 1 }
  const nfs = fileSystemClass(NFS)

  it('6: says nothing about other machines without a peer', () => {
    const alone = judgeVisibility(soon, { peer: false, fileSystem: nfs })
    expect(alone.visibilityMs).toBeNull()
    expect(codesOf(alone.findings)).toEqual(['other-nodes-untested'])
    expect(
      codesOf(judgeVisibility(soon, { peer: false, fileSystem: fileSystemClass(EXT4) }).findings),
    ).toEqual(['one-machine'])
  })

  it('6: takes the longest delay, and calls it unsafe if something is never seen', () => {
    const late = judgeVisibility({ ...soon, absentName: 29_000 }, { peer: true, fileSystem: nfs })
    expect(late.visibilityMs).toBe(29_000)
    expect(codesOf(late.findings)).toEqual(['late-visibility'])
    const never = judgeVisibility({ ...soon, content: null }, { peer: true, fileSystem: nfs })
    expect(never.findings).toMatchObject([{ code: 'never-seen', severity: 'unsafe' }])
  })

  const clock: ClockReading = { host: 'h', bootId: 'b', monotonicMs: 0, uptimeMs: 1e6, wallMs: 1e12 }
  const later = (ms: number, change: Partial<ClockReading> = {}): ClockReading => ({
    ...clock,
    ...{ monotonicMs: ms, uptimeMs: 1e6 + ms, wallMs: 1e12 + ms, ...change },
  })

  it('7: compares the clocks of a machine with each other', () => {
    expect(judgeClocks({ first: clock, last: later(5000) }, undefined).findings).toEqual([])
    expect(
      judgeClocks({ first: clock, last: later(5000, { uptimeMs: 1e6 + 5200 }) }, undefined).findings,
    ).toMatchObject([{ code: 'clock-rates', singleInstance: true }])
    expect(
      codesOf(judgeClocks({ first: clock, last: later(5000, { wallMs: 0 }) }, undefined).findings),
    ).toEqual(['wall-clock-moved'])
    expect(
      codesOf(
        judgeClocks({ first: { ...clock, uptimeMs: null }, last: later(5000, { uptimeMs: null }) }, undefined)
          .findings,
      ),
    ).toEqual(['no-uptime'])
  })

  it('7: tells how far the clock of the peer is off, within the time of asking', () => {
    const peer = { reading: { ...clock, wallMs: 10_050 }, askedAtMs: 0, answeredAtMs: 100 }
    const { findings, measured } = judgeClocks({ first: clock, last: later(5000) }, peer)
    expect(measured.peerOffset).toEqual({ offsetMs: 10_000, errorMs: 50 })
    expect(codesOf(findings)).toEqual(['wall-clock-offset'])
  })

  it('8: is for information only', () => {
    const judged = [
      judgeLocks({ held: 'locked', second: 'refused' }),
      judgeLocks({ held: 'locked', second: 'locked' }),
      judgeLocks({ held: 'error: no', second: null }),
      judgeLocks({ held: 'no-program', second: null }),
    ]
    expect(judged.map(({ findings }) => codesOf(findings))).toEqual([
      [],
      ['locks-do-nothing'],
      ['no-locks'],
      ['locks-untested'],
    ])
    expect(judged.flatMap(({ findings }) => findings).every(({ severity }) => severity === 'note')).toBe(true)
  })

  it('9: wants beats while everything is blocked', () => {
    expect(judgeHeartbeat({ beats: 25, blockedMs: 600, hung: 4 }).findings).toEqual([])
    expect(codesOf(judgeHeartbeat({ beats: 0, blockedMs: 600, hung: 0 }).findings)).toEqual([
      'heart-stands-still',
      'hang-untested',
    ])
  })
})

describe('step 10, the tasks', () => {
  it('names the first tasks of each trouble, and what was repaired', () => {
    const reading = {
      ...{ tasks: 9, looked: 8, livingInstances: 0, deadInstances: ['0123456789abcdef'], repairable: ['a'] },
      counts: { 'dead-owner': 1, invalid: 4 },
      examples: [
        { name: 'a', trouble: 'dead-owner' },
        ...['b', 'c', 'd'].map((name) => ({ name, trouble: 'invalid' as const })),
      ] as const,
    }
    const { findings } = judgeTree(reading, { repaired: ['a'], left: [{ task: 'z', reason: 'it runs' }] })
    expect(codesOf(findings)).toEqual([
      'dead-owner',
      'invalid',
      'dead-instances',
      'partial-look',
      'repaired',
      'not-repaired',
    ])
    expect(findings[1]?.message).toContain("4 tasks with a state file that can't be understood: b, c, d, ….")
  })
})

describe('step 11, the verdict', () => {
  const input = {
    fileSystem: fileSystemClass(EXT4),
    mount: undefined,
    medium: 'link',
    visibilityMs: null,
  } as const
  const finding = (severity: Finding['severity'], more: Partial<Finding> = {}): Finding => ({
    ...{ code: 'c', severity, message: 'm.', advice: `Advice on ${severity}.` },
    ...more,
  })

  it('is the worst finding', () => {
    expect(judgeAll({ ...input, findings: [finding('note')] })).toMatchObject({
      verdict: 'ok',
      use: 'several-instances',
    })
    expect(judgeAll({ ...input, findings: [finding('degraded')] })).toMatchObject({
      verdict: 'degraded',
      use: 'several-instances',
    })
    expect(judgeAll({ ...input, findings: [finding('degraded', { singleInstance: true })] })).toMatchObject({
      verdict: 'degraded',
      use: 'single-instance',
    })
    const unsafe = judgeAll({ ...input, findings: [finding('degraded'), finding('unsafe')] })
    expect(unsafe).toMatchObject({ verdict: 'unsafe', use: 'none' })
    expect(unsafe.advice).toContain('Advice on unsafe.')
  })

  it('makes the times longer where changes were seen late, and never shorter', () => {
    const nfs = { ...input, fileSystem: fileSystemClass(NFS), findings: [] }
    const usual = judgeAll(nfs).liveness
    expect(judgeAll({ ...nfs, visibilityMs: 3000 }).liveness).toEqual(usual)
    const late = judgeAll({ ...nfs, visibilityMs: 100_000 }).liveness
    expect(late.visibilityMs).toBe(150_000)
    expect(late.deadAfterMs).toBeGreaterThan(usual.deadAfterMs)
    expect(late.deadAfterMs * 0.99).toBeGreaterThanOrEqual(late.leaseMs * 1.01 + late.visibilityMs)
  })
})

describe('docs/doctor.md', () => {
  it('has every finding', () => {
    const source = join(import.meta.dirname, '../src')
    const files = [
      ...readdirSync(join(source, 'doctor'), { withFileTypes: true }).flatMap((entry) =>
        entry.isFile() ? [join(source, 'doctor', entry.name)] : [],
      ),
      join(source, 'mount-hazards.ts'),
    ]
    const documented = readFileSync(join(import.meta.dirname, '../../../docs/doctor.md'), 'utf8')
    const codes = files.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/\bcode: '([a-z-]+)'/g)].map(([, code = '']) => code),
    )
    expect(codes.length).toBeGreaterThan(30)
    const missing = codes.filter((code) => code !== 'tested' && !documented.includes(`\`${code}\``))
    expect(missing).toEqual([])
  })
})
