import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { countStates, readStates, runProgram, startNode } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const EXAMPLES = join(import.meta.dirname, '../../examples')
const LICENCES = '/usr/share/common-licenses'

describe('the examples', () => {
  it.skipIf(!existsSync(LICENCES))(
    'count the words of every licence text, as a pipe in a shell does',
    async () => {
      const root = join(temporaryDirectory(), 'licences')
      const run = spawnSync(join(EXAMPLES, '01-licences/run.sh'), [root, '-j', '2'], { encoding: 'utf8' })
      expect(run.status, run.stderr).toBe(0)
      const names = readdirSync(LICENCES)
      expect(names.length).toBeGreaterThan(5)
      expect(countStates(root)).toEqual({ DONE: names.length })
      const text = readFileSync(join(LICENCES, 'GPL-3'), 'utf8').toLowerCase()
      const the = text.match(/[a-z]+/g)?.filter((word) => word === 'the').length
      expect(readFileSync(join(root, 'GPL-3', 'words.txt'), 'utf8')).toMatch(new RegExp(`^ *${the} the\n`))
    },
  )

  it('sweep 400 epidemics that agree with the final size relation, and draw them', async () => {
    const root = join(temporaryDirectory(), 'sweep')
    const ended = await runProgram(['run', '-j', '2', join(EXAMPLES, '02-sweep/sweep.mjs'), '--', root], {
      cwd: EXAMPLES,
    })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(countStates(root)).toEqual({ DONE: 400 })
    for (const name of Object.keys(readStates(root))) {
      const result = JSON.parse(readFileSync(join(root, name, 'result.json'), 'utf8'))
      const { reproductionNumber, attackRate, peakInfected } = result
      // Kermack and McKendrick: ln(S(end) / S(0)) = -R0 (1 - S(end) - I(end)); near R0 = 1 the end is not reached in time.
      if (Math.abs(reproductionNumber - 1) < 0.1) continue
      const start = 1 - Number(result.infected)
      const predicted = 1 - start * Math.exp(-reproductionNumber * attackRate)
      expect(predicted, name).toBeCloseTo(attackRate, 6)
      // At the peak S = 1 / R0, which gives I there without integrating.
      const peak = 1 - (1 + Math.log(reproductionNumber * start)) / reproductionNumber
      if (reproductionNumber > 1.2) expect(peakInfected, name).toBeCloseTo(peak, 3)
    }
    const picture = readFileSync(`${root}.svg`, 'utf8')
    expect(picture.match(/<title>/g)).toHaveLength(400)
    expect(picture).not.toMatch(/NaN|undefined/)
    const again = await runProgram(['run', '-j', '2', join(EXAMPLES, '02-sweep/sweep.mjs'), '--', root], {
      cwd: EXAMPLES,
    })
    expect(again.exitCode, again.stderr).toBe(0)
  })

  it.skipIf(!existsSync(LICENCES))(
    'split one task between two ranks, with the answers of one rank',
    async () => {
      const directory = temporaryDirectory()
      const [alone, together] = [join(directory, 'alone'), join(directory, 'together')]
      const script = join(EXAMPLES, '03-groups/nearest.mjs')
      const solo = await startNode([script, alone], { cwd: EXAMPLES }).ended
      expect(solo.exitCode, solo.stderr).toBe(0)
      const threads = await runProgram(['run', '-j', '4', script, '--', together], { cwd: EXAMPLES })
      expect(threads.exitCode, threads.stderr).toBe(0)
      const names = Object.keys(readStates(alone))
      expect(names.length).toBeGreaterThan(3)
      for (const name of names) {
        const text = readFileSync(join(alone, name, 'nearest.json'), 'utf8')
        expect(readFileSync(join(together, name, 'nearest.json'), 'utf8')).toBe(text)
        expect(JSON.parse(text)).toHaveLength(3)
      }
    },
  )
})
