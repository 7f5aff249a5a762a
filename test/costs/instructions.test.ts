import { join } from 'node:path'
import { expect, it } from 'vitest'
import { PROGRAM } from '../support/program.ts'
import { countInstructions, describeWith } from './count-costs.ts'

const CLAIMS = join(import.meta.dirname, 'programs/claim-tasks.mjs')

describeWith('valgrind', 'counted in instructions', () => {
  it('a claim in memory costs what it did, and the same with more tasks', async () => {
    const [few, some, many] = [
      await countInstructions([CLAIMS, '500']),
      await countInstructions([CLAIMS, '4500']),
      await countInstructions([CLAIMS, '8500']),
    ]
    // In thousands; what comes before and after the claims falls out.
    const [small, large] = [(some - few) / 4_000_000, (many - some) / 4_000_000]
    console.info(`A claim takes ${small.toFixed(1)} and ${large.toFixed(1)} thousand instructions.`)
    // Each varies by a tenth, with what the garbage collector finds; a cost that grew with the tasks would treble.
    expect(large / small, 'a claim costs more when there are more tasks: see task-table.ts').toBeLessThan(1.4)
    expect(large, 'a claim costs more than before, in thousands: see task-table.ts').toBeLessThan(18.5)
  })

  it('--version costs little more than Node itself', async () => {
    const [node, program] = [
      await countInstructions(['-e', '0']),
      await countInstructions([PROGRAM, '--version']),
    ]
    console.info(
      `node -e 0 takes ${(node / 1e6).toFixed(0)}, --version ${(program / 1e6).toFixed(0)} million.`,
    )
    expect(program / node, '--version loads or does more than before: see main.ts').toBeLessThan(1.2)
  })
})
