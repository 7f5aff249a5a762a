import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { waitUntil } from '../support/wait-until.ts'
import { processState } from './store-actors.ts'

const FIXTURE = join(import.meta.dirname, 'fixtures/stuck-runner.mjs')

it('a command is stopped when the lease runs out though its runner is stuck, and goes on when it is back', async () => {
  const runner = spawn(process.execPath, [FIXTURE], { stdio: ['pipe', 'pipe', 'inherit'] })
  let text = ''
  runner.stdout.on('data', (chunk) => {
    text += chunk
  })
  const group = Number(await waitUntil(() => /^\d+\n/.test(text) && text.trim()))
  onTestFinished(() => {
    runner.kill('SIGKILL')
    process.kill(-group, 'SIGKILL')
  })
  const describe = (): string => `The command is in the state ${processState(group)}.`
  await waitUntil(() => processState(group) === 'T', { describe })
  expect(runner.exitCode).toBeNull()
  runner.stdin.write('\n')
  await waitUntil(() => processState(group) === 'S', { describe })
})
