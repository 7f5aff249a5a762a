/** Maps on threads: the examples give what one rank gives, and whatever ends a rank is told with its name. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram, startNode } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const MAP = join(import.meta.dirname, '../mpi/programs/map-reduce.mjs')
const EXAMPLES = join(import.meta.dirname, '../../examples')
const LICENCES = '/usr/share/common-licenses'

describe('the examples of map on threads', () => {
  it.skipIf(!existsSync(LICENCES))('count words as one rank and as a plain loop do', async () => {
    const cwd = temporaryDirectory()
    const script = join(EXAMPLES, '06-word-count/count.mjs')
    const [alone, threads] = await Promise.all([
      startNode([script, 'alone.txt'], { cwd }).ended,
      runProgram(['run', '-j', '3', script, '--', 'threads.txt'], { cwd }),
    ])
    expect([alone.exitCode, threads.exitCode], threads.stderr).toEqual([0, 0])
    expect(threads.stdout).toBe(alone.stdout)
    const report = readFileSync(join(cwd, 'alone.txt'), 'utf8')
    expect(readFileSync(join(cwd, 'threads.txt'), 'utf8')).toBe(report)
    const names = report.split('\n').map((line) => line.split(':')[0] ?? '')
    const texts = names.filter(Boolean).map((name) => readFileSync(join(LICENCES, name), 'utf8'))
    const the = texts
      .join('\n')
      .toLowerCase()
      .match(/(?<!\p{L})the(?!\p{L})/gu)?.length
    expect(alone.stdout).toMatch(new RegExp(`^ *${the} the\n`))
    expect(alone.stdout).toContain(`in ${texts.length} texts`)
  })

  it('sum an integral in three ways that agree with each other and with a plain loop', async () => {
    const script = join(EXAMPLES, '07-integral/integral.mjs')
    const cwd = temporaryDirectory()
    const [alone, threads] = await Promise.all([
      startNode([script], { cwd }).ended,
      runProgram(['run', '-j', '3', script], { cwd }),
    ])
    expect([alone.exitCode, threads.exitCode], threads.stderr).toEqual([0, 0])
    const [one, several] = [JSON.parse(alone.stdout), JSON.parse(threads.stdout)]
    let plain = 0
    for (let index = 0; index < 1e6; index += 1) plain += 1e-6 * (4 / (1 + ((index + 0.5) * 1e-6) ** 2))
    expect(one.written).toBe(plain)
    expect(several).toMatchObject({ written: plain, reduced: one.reduced })
    for (const sum of [one.critical, one.reduced, several.critical]) expect(sum).toBeCloseTo(plain, 11)
    expect(plain).toBeCloseTo(Math.PI, 11)
  })
})

describe('a map on threads', () => {
  it('says once on which rank its work threw, with the stack from there', async () => {
    const ended = await runProgram(['run', '-j', '3', MAP, '--', 'throw', 'too much'], {
      cwd: temporaryDirectory(),
    })
    expect(ended.exitCode).toBe(1)
    expect(ended.stderr).toMatch(/failed on rank 1 \(.*RangeError: too much\s+at .*map-reduce\.mjs/s)
    expect(ended.stderr.match(/RangeError: too much/g)).toHaveLength(1)
  })

  it('says which rank left it', async () => {
    const ended = await runProgram(['run', '-j', '3', MAP, '--', 'exit', '0'], { cwd: temporaryDirectory() })
    expect(ended.exitCode).toBe(1)
    expect(ended.stderr).toMatch(/Rank 1 ended in the middle of a map/)
  })
})
