/** The doctor on FUSE: alone, and with a peer that has its own mount and caches. */
import { copyFileSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { type Examined, examine, runMpibatch } from './run-doctor.ts'
import { mountWeak, NO_FUSE, shellInto, type WeakNodes } from './weak-mounts.ts'

async function examineAlone(
  options: string,
  whileItRuns?: (backing: string) => void,
): Promise<Examined & WeakNodes> {
  const weak = await mountWeak(options)
  const timer = setInterval(() => whileItRuns?.(weak.backing), 1)
  onTestFinished(() => clearInterval(timer))
  return { ...(await examine([weak.point], { prefix: weak.nodes[0]?.enter ?? [] })), ...weak }
}

async function examineTogether(options: string): Promise<Examined & WeakNodes> {
  const weak = await mountWeak(options, options)
  const [here, there] = weak.nodes
  if (here === undefined || there === undefined) throw new Error('Two nodes were mounted')
  const env = { MPIBATCH_RSH: shellInto(there) }
  return { ...(await examine([weak.point, '--peer', 'node2'], { prefix: here.enter, env })), ...weak }
}

/** Does what another client would: replaces the file that the doctor reads again and again. */
function replaceElsewhere(backing: string): void {
  try {
    for (const name of readdirSync(join(backing, '.mpibatch'))) {
      const directory = join(backing, '.mpibatch', name, 'replace')
      copyFileSync(join(directory, 'state'), join(directory, 'elsewhere'))
      renameSync(join(directory, 'elsewhere'), join(directory, 'state'))
    }
  } catch {
    // The doctor is not there yet, has just replaced it, or has gone on.
  }
}

describe.skipIf(NO_FUSE !== '')('the doctor on a FUSE mount, alone', () => {
  it('says that other machines are not examined', async () => {
    const { exitCode, report, codes, backing } = await examineAlone('')
    expect(report).toMatchObject({
      verdict: 'degraded',
      use: 'several-instances',
      claimSync: true,
      medium: 'link',
    })
    expect(report.fileSystem).toMatchObject({ type: 'fuse', source: 'weakfs' })
    expect(exitCode).toBe(1)
    expect(codes(6)).toEqual(['other-nodes-untested'])
    expect(report.steps.flatMap(({ findings }) => findings)).not.toContainEqual(
      expect.objectContaining({ severity: 'unsafe' }),
    )
    expect(readdirSync(backing)).toEqual([])
  })

  it('takes symbolic links where links are refused', async () => {
    const { report, codes } = await examineAlone('nolink')
    expect(codes(2)).toContain('no-links')
    expect(report.medium).toBe('symlink')
  })

  it('does without locks', async () => {
    const { report, codes } = await examineAlone('lock=ENOTSUP')
    expect(codes(8)).toEqual(['no-locks'])
    expect(report.use).toBe('several-instances')
  })

  it('does with handles that go stale', async () => {
    // A slow reading is one that a replacement falls into, whatever else the machine does; and a file goes stale only
    // when somebody else replaces it, since libfuse keeps what is open.
    const ctl = join(temporaryDirectory(), 'ctl')
    writeFileSync(ctl, 'delay read 20 path=replace\n')
    const { report, codes } = await examineAlone(`estale,ctl=${ctl}`, replaceElsewhere)
    expect(codes(3)).toContain('stale-handles')
    expect(report.use).toBe('several-instances')
  })
})

describe.skipIf(NO_FUSE !== '')('the doctor on two nodes', () => {
  it('finds nothing wrong where nothing is', async () => {
    const { exitCode, report, codes } = await examineTogether('')
    expect(report).toMatchObject({ verdict: 'ok', use: 'several-instances', peer: 'node2' })
    expect(exitCode).toBe(0)
    expect(codes(2)).toEqual([])
    expect(report.visibilityMs).toBeLessThan(2000)
  })

  it('finds names that two nodes both make: unsafe, and no run begins there', async () => {
    const weak = await mountWeak('exclgap=2', 'exclgap=2')
    const [here, there] = weak.nodes
    if (here === undefined || there === undefined) throw new Error('Two nodes were mounted')
    mkdirSync(join(weak.backing, '.mpibatch', 'i'), { recursive: true })
    const env = { MPIBATCH_RSH: shellInto(there) }
    const { exitCode, report, codes } = await examine([weak.point, '--peer', 'node2'], {
      prefix: here.enter,
      env,
    })
    expect(codes(2)).toContain('double-winners')
    expect(report).toMatchObject({ verdict: 'unsafe', use: 'none', saved: true })
    expect(exitCode).toBe(2)
    for (const { enter } of weak.nodes) {
      const run = await runMpibatch(['run', '--root', weak.point, '--', 'true', ':::', 'a'], {
        prefix: enter,
      })
      expect(run.exitCode).toBe(3)
      expect(run.stderr).toMatch(/not safe.*made by several processes.*mpibatch doctor/s)
    }
    expect(readdirSync(weak.backing)).toEqual(['.mpibatch'])
  })

  it('measures how late changes are seen through caches of 3 s', async () => {
    const { report, codes, measured } = await examineTogether('attr=3,entry=3,neg=3')
    expect(codes(6)).toEqual(['late-visibility'])
    // The caches are filled a moment before the change.
    expect(report.visibilityMs).toBeGreaterThan(2800)
    expect(report.visibilityMs).toBeLessThan(10_000)
    const { absentName } = measured(6).delaysMs as Record<string, number>
    expect(absentName).toBeGreaterThan(2800)
    expect(report.use).toBe('several-instances')
  })

  it('notices a peer that has another directory there', async () => {
    const weak = await mountWeak('')
    const here = weak.nodes[0]
    if (here === undefined) throw new Error('A node was mounted')
    const env = { MPIBATCH_RSH: shellInto({ pid: process.pid }) }
    const { exitCode, findings } = await examine([weak.point, '--peer', 'node2'], { prefix: here.enter, env })
    expect(findings.map(({ code }) => code)).toContain('peer-elsewhere')
    expect(exitCode).toBe(1)
  })
})

describe('the doctor without the peer that it was told', () => {
  it('says why it could not be reached, and examines this machine', async () => {
    const directory = temporaryDirectory()
    const rsh = join(temporaryDirectory(), 'rsh')
    writeFileSync(rsh, '#!/bin/sh\necho "no route to $1" >&2\nexit 255\n', { mode: 0o755 })
    const { exitCode, report, findings } = await examine([directory, '--peer', 'nowhere'], {
      env: { MPIBATCH_RSH: rsh },
    })
    expect(findings).toMatchObject([{ code: 'peer-unreachable', message: /no route to nowhere/ }])
    expect(exitCode).toBe(1)
    expect(report.visibilityMs).toBeNull()
    expect(readdirSync(directory)).toEqual([])
  })

  it.each(['-oProxyCommand=x', 'a b', '$(x)'])('refuses %s as a name', async (host) => {
    const { exitCode, stderr } = await runMpibatch(['doctor', temporaryDirectory(), `--peer=${host}`])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('is no name of a host')
  })
})
