/** Looks at what the stress test has left, and tells everything that must not be. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { faultsOf, printHistory, readTaskHistory } from './task-history.mjs'

const PROGRAM = join(import.meta.dirname, '../../packages/cli/bin/mpibatch.mjs')
/** How long after the disk had space again an instance may end because of it. */
const DISK_AFTERMATH_MS = 5000

/**
 * @param {object} run
 * @param {string} run.root
 * @param {string} run.evidence
 * @param {readonly string[]} run.names - Of all tasks.
 * @param {readonly string[]} run.argv - Arguments of mpibatch that run them all.
 * @param {readonly import('./instance-slot.mjs').Life[]} run.lives
 * @param {{ fromMs: number, toMs: number } | undefined} run.full - When the disk was full.
 * @param {number} run.startedAtMs
 * @returns What is wrong, as texts of one or more lines, and figures.
 */
export function verify(run) {
  const { root, evidence, names, lives } = run
  const nameOf = nameInstances(root, lives, run.startedAtMs)
  const faults = [...lives.flatMap((life) => lifeFaults(life, run)), ...processesLeft(root)]
  const attempts = new Map()
  const counts = { claims: 0, commands: 0, again: 0 }
  for (const name of names) {
    if (!existsSync(join(root, name, 'state'))) {
      faults.push(`${name} has no state`)
      continue
    }
    const history = readTaskHistory(root, evidence, name)
    const claims = history.events.filter(({ kind }) => kind === 'CLAIM').length
    attempts.set(name, claims)
    counts.claims += claims
    counts.commands += history.marks.length
    counts.again += history.marks.length > 1 ? 1 : 0
    const wrong = faultsOf(history)
    if (wrong.length === 0) continue
    const lines = printHistory(history, { startedAtMs: run.startedAtMs, nameOf })
    faults.push([`${name}: ${wrong.join('; ')}`, ...lines].join('\n    '))
  }
  faults.push(...programFaults(run, attempts), ...faultsAfterCleaning(run))
  return { faults, counts }
}

/** What an instance is called in a history: which process it was, and what happened to that. */
function nameInstances(root, lives, startedAtMs) {
  const directory = join(root, '.mpibatch/i')
  const names = new Map()
  for (const instance of readdirSync(directory)) {
    const { pid, startedAtMs: registeredAtMs } = readInfo(join(directory, instance, 'info.json'))
    // A process number may come again, a process number at a time does not.
    const life = lives.find(
      (each) => each.pid === pid && each.startedAtMs <= registeredAtMs && registeredAtMs <= each.endedAtMs,
    )
    if (life === undefined) continue
    const at = (timeMs) => ((timeMs - startedAtMs) / 1000).toFixed(3)
    const troubles = life.troubles.map(
      ({ what, fromMs, toMs }) =>
        `, ${what} at ${at(fromMs)} s${toMs === undefined ? '' : ` until ${at(toMs)} s`}`,
    )
    names.set(instance, `${instance} (process ${pid} of instance ${life.slot}${troubles.join('')})`)
  }
  return (instance) => names.get(instance) ?? String(instance)
}

/** What an instance said of itself; nothing, if it was killed or the disk was full while it said it. */
function readInfo(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return {}
  }
}

/** An instance ends when all is DONE, when it is killed, when others took its place, or when the disk is full. */
function lifeFaults(
  { slot, pid, taskCount, exitCode, signal, stdout, stderr, troubles, endedAtMs },
  { full },
) {
  const who = `Process ${pid} of instance ${slot}`
  if (exitCode === 0) {
    const { done, failed, open, elsewhere, invalid } = JSON.parse(stdout)
    const right = done === taskCount && failed + open + elsewhere + invalid === 0
    return right ? [] : [`${who} ended with 0, but told ${stdout.trim()}`]
  }
  if (signal === 'SIGKILL' && troubles.some(({ what }) => what.startsWith('killed'))) return []
  if (exitCode === 3 && stderr.includes('declared dead')) return []
  const wasFull = full !== undefined && endedAtMs >= full.fromMs && endedAtMs <= full.toMs + DISK_AFTERMATH_MS
  if (exitCode === 3 && wasFull && stderr.includes('The disk is full')) return []
  return [`${who} ended with ${signal ?? exitCode}: ${stdout}${stderr}`]
}

/** Commands that are still there after all instances have ended. */
function processesLeft(root) {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const environment = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0')
      if (!environment.includes(`MPIBATCH_ROOT=${root}`)) return []
      return [
        `Process ${name} still runs: ${environment.filter((word) => word.startsWith('MPIBATCH_')).join(' ')}`,
      ]
    } catch {
      return []
    }
  })
}

/** What the program itself says of the root must agree with its files. */
function programFaults({ root, names }, attempts) {
  const faults = []
  const check = runProgram('check', root)
  if (check.status !== 0) faults.push(`"mpibatch check" ended with ${check.status}: ${check.stderr}`)
  const status = JSON.parse(runProgram('status', root, '--json').stdout)
  if (status.done !== names.length || status.tasks !== names.length || status.instances.length > 0)
    faults.push(`"mpibatch status" says ${JSON.stringify(status)}`)
  const listed = JSON.parse(runProgram('list', root, '--json').stdout)
  if (listed.length !== names.length) faults.push(`"mpibatch list" knows ${listed.length} tasks`)
  for (const { name, state, attempts: told } of listed) {
    if (state === 'DONE' && told === attempts.get(name)) continue
    faults.push(
      `"mpibatch list" says ${name} is ${state} after ${told} attempts; it has ${attempts.get(name)} claims`,
    )
  }
  return faults
}

/** What nothing needs any more may go; what is DONE stays so, for the same command line as well. */
function faultsAfterCleaning({ root, evidence, names, argv }) {
  const countMarks = () => names.reduce((sum, name) => sum + readdirSync(join(evidence, name)).length, 0)
  const before = countMarks()
  const faults = [['gc', root], ['check', root], argv].flatMap((words) => {
    const { status, stdout, stderr } = runProgram(...words)
    return status === 0 ? [] : [`"mpibatch ${words[0]}" ended with ${status}: ${stdout}${stderr}`]
  })
  if (countMarks() !== before) faults.push('The same command line has run tasks again that were DONE')
  return faults
}

function runProgram(...argv) {
  return spawnSync(process.execPath, [PROGRAM, ...argv], { encoding: 'utf8', maxBuffer: 1 << 28 })
}
