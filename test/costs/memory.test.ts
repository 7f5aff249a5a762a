import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startNode } from '../support/program.ts'
import { workDirectory } from './count-costs.ts'

const VIEW = join(import.meta.dirname, 'programs/keep-view.mjs')
const KEEP = join(import.meta.dirname, 'programs/keep-batch.mjs')

/** Bytes that a view of a root of so many tasks holds. */
async function viewBytes(taskCount: number): Promise<number> {
  const root = join(workDirectory(), 'root')
  const ended = await startNode(['--expose-gc', VIEW, root, `${taskCount}`], { cwd: workDirectory() }).ended
  expect(ended).toMatchObject({ exitCode: 0, stderr: '' })
  return Number(ended.stdout)
}

/** Bytes that a batch of so many tasks holds. */
async function heldBytes(taskCount: number): Promise<{ readonly opened: number; readonly ended: number }> {
  const ended = await startNode(['--expose-gc', KEEP, `${taskCount}`], { cwd: workDirectory() }).ended
  expect(ended).toMatchObject({ exitCode: 0, stderr: '' })
  return JSON.parse(ended.stdout)
}

describe('a batch in memory holds no more bytes than are known', () => {
  it('for each task, when it is open and when all have run', async () => {
    const [few, many] = [await heldBytes(100_000), await heldBytes(200_000)]
    const opened = (many.opened - few.opened) / 100_000
    const ended = (many.ended - few.ended) / 100_000
    console.info(
      `A task takes ${opened.toFixed(1)} bytes when it is open, ${ended.toFixed(1)} when it has run.`,
    )
    expect(opened, 'bytes per task of the plan and the table have grown').toBeLessThan(70)
    expect(ended - opened, 'bytes are kept for tasks that have ended').toBeLessThan(1)
  })
})

describe('a look at a task root holds no more bytes than are known', () => {
  it('for each task and its last attempt', async () => {
    const held = ((await viewBytes(200_000)) - (await viewBytes(100_000))) / 100_000
    console.info(`A task that was looked at takes ${held.toFixed(1)} bytes.`)
    expect(held, 'bytes per task of names, lines and records have grown').toBeLessThan(240)
  })
})
