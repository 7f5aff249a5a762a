import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { addonPath } from '@mpibatch/native-mpi'
import { expect, it, onTestFinished } from 'vitest'
import { waitUntil } from '../support/wait-until.ts'

const FIXTURE = join(import.meta.dirname, 'fixtures/run-commands.mjs')
const COMMAND_COUNT = 4

// Without setpriv, commands that are started in the portable way outlive us on purpose, and the store finds them.
const WAYS = [...(existsSync(addonPath) ? ['native'] : []), ...(hasParentDeathSignal() ? ['portable'] : [])]

it.each(WAYS)('commands end when the process that runs them is killed, %s', async (way) => {
  const parent = spawn(process.execPath, [FIXTURE, String(COMMAND_COUNT), way], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  parent.stdout.on('data', (chunk) => {
    text += chunk
  })
  const groups = await waitUntil(
    () => {
      const lines = text.split('\n').slice(0, -1)
      return lines.length === COMMAND_COUNT && lines.map(Number)
    },
    { describe: () => `Printed so far: ${text}` },
  )
  onTestFinished(() => {
    for (const group of groups.filter(runs)) process.kill(-group, 'SIGKILL')
  })
  // The command has taken over from setpriv, so nothing asks for the signal any more: it is in force.
  await waitUntil(() => groups.every((group) => programOf(group) === 'sleep'))
  parent.kill('SIGKILL')
  await once(parent, 'exit')
  await waitUntil(() => !groups.some(runs), {
    describe: () => `Still running: ${groups.filter(runs).join(' ')}`,
  })
  expect(groups.filter(runs)).toEqual([])
})

function hasParentDeathSignal(): boolean {
  try {
    execFileSync('setpriv', ['--pdeathsig', 'KILL', '--', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return ''
  }
}

function programOf(pid: number): string | undefined {
  return /\((.*)\)/s.exec(statusOf(pid))?.[1]
}

/** Whether a process runs; one that only waits to be collected does not. */
function runs(pid: number): boolean {
  const state = /\) (\S)/.exec(statusOf(pid))?.[1]
  return state !== undefined && state !== 'Z' && state !== 'X'
}
