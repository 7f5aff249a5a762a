import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runProgram, startNode } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const EXAMPLE = join(import.meta.dirname, '../../examples/05-shared-array/heat.mjs')
const PLATE = join(EXAMPLE, '../plate.txt')

test('the plate becomes as warm on three threads as on one rank, and each cell as warm as those around it', async () => {
  const directory = temporaryDirectory()
  const alone = await startNode([EXAMPLE, 'alone.csv'], { cwd: directory }).ended
  expect(alone.exitCode, alone.stderr).toBe(0)
  const threads = await runProgram(['run', '-j', '3', EXAMPLE, '--', 'threads.csv'], { cwd: directory })
  expect(threads.exitCode, threads.stderr).toBe(0)
  expect(threads.stdout).toBe(alone.stdout)
  expect(alone.stdout).toMatch(/The metal has \d\d\.\d\d degrees on average/)
  const text = readFileSync(join(directory, 'alone.csv'), 'utf8')
  expect(readFileSync(join(directory, 'threads.csv'), 'utf8')).toBe(text)

  const degrees = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(',').map(Number))
  // The frame that the script puts around the drawing.
  const at = (row: number, column: number): number => degrees[row + 1]?.[column + 1] ?? Number.NaN
  const plate = readFileSync(PLATE, 'utf8').trimEnd().split('\n')
  for (const [row, line] of plate.entries()) {
    for (const [column, letter] of [...line].entries()) {
      if (letter === '#') expect(at(row, column)).toBe(100)
      if (letter === '-') expect(at(row, column)).toBe(0)
      if (letter !== '.') continue
      const around = [
        [row - 1, column],
        [row + 1, column],
        [row, column - 1],
        [row, column + 1],
      ] as const
      const metal = around.filter(
        ([otherRow, otherColumn]) => (plate[otherRow]?.[otherColumn] ?? ' ') !== ' ',
      )
      const mean =
        metal.reduce((sum, [otherRow, otherColumn]) => sum + at(otherRow, otherColumn), 0) / metal.length
      expect(Math.abs(at(row, column) - mean), `row ${row}, column ${column}`).toBeLessThan(0.002)
    }
  }
})
