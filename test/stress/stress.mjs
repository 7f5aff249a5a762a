/**
 * A weekend of trouble in minutes: several instances on one task root, each second one of them is killed or frozen,
 * and once the disk is full. At the end each task must be DONE exactly once, with nothing run after that. The list of
 * tasks grows from round to round, and each round ends when all instances have seen all its tasks DONE: in between
 * nobody has a reason to wait for a frozen one.
 *
 *   node test/stress/stress.mjs [--minutes 2] [--instances 3] [--jobs 2] [--tasks 10000] [--seed N]
 *                               [--disk auto|ext4|tmpfs|none] [--keep]
 *
 * Prints the seed, what happened, and each fault with the whole history of its task. The directory is kept when there
 * was a fault, or with --keep. --disk says what the root is on: a small file system that can be filled, which needs
 * root to be mounted, or none; auto is the first that can be had.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { InstanceSlot } from './instance-slot.mjs'
import { SeededRandom } from './random.mjs'
import { SmallDisk } from './small-disk.mjs'
import { StateWatch } from './state-watch.mjs'
import { makeTroubles } from './troubles.mjs'
import { verify } from './verify.mjs'

/** Part of the time for which tasks sleep; the rest goes into starting them, and again after a trouble. */
const SLEEPING_SHARE = 0.25
/** A longer task would hardly ever come to its end. */
const TASK_MS_MAX = 3000
const LIVENESS = 'heartbeat=200ms,lease=1s,visibility=0s,dead-after=1500ms'
const DEAD_AFTER_MS = 1500
const ROUND_MS = 12_000
const WATCH_MS = 250
const PROGRESS_MS = 10_000
const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS

const numberOf = (text) => {
  const value = Number(text)
  if (!Number.isFinite(value) || value < 0) throw new Error(`${text} is no number that can be used here.`)
  return value
}

function readOptions() {
  const text = (value) => ({ type: 'string', default: value })
  const { values } = parseArgs({
    options: {
      minutes: text('2'),
      instances: text('3'),
      jobs: text('2'),
      tasks: text('10000'),
      seed: text(String(Math.floor(Math.random() * 2 ** 31))),
      disk: text('auto'),
      keep: { type: 'boolean', default: false },
    },
  })
  return {
    minutes: numberOf(values.minutes),
    instanceCount: numberOf(values.instances),
    jobCount: numberOf(values.jobs),
    taskCount: numberOf(values.tasks),
    seed: numberOf(values.seed),
    disk: values.disk,
    keep: values.keep,
  }
}

const say = (text) => process.stdout.write(`${text}\n`)

/** The file system that is going to be full; `undefined` if there is none. */
function mountDisk(kind, { place, taskCount }) {
  // A task takes a block for its directory and one for its state, and some inodes.
  const size = { sizeMegabytes: 64 + Math.ceil(taskCount / 50), inodeCount: 10_000 + 8 * taskCount }
  if (kind === 'none') return undefined
  if (kind !== 'auto') return SmallDisk.mount(kind, { place, ...size })
  for (const each of ['ext4', 'tmpfs']) {
    try {
      return SmallDisk.mount(each, { place, ...size })
    } catch (error) {
      say(`No ${each} to fill: ${error.message}`)
    }
  }
  say('The disk will not be full in this run.')
  return undefined
}

/** The tasks, each with how long it sleeps in seconds, and a place for the marks of each. */
function makeTasks(place, { taskCount, meanMs, random }) {
  const names = Array.from({ length: taskCount }, (_, index) => `task_${String(index + 1).padStart(6, '0')}`)
  const evidence = join(place, 'evidence')
  mkdirSync(evidence)
  for (const name of names) mkdirSync(join(evidence, name))
  const sleepsMs = names.map(() => Math.min(random.exponential(meanMs), TASK_MS_MAX))
  return {
    names,
    evidence,
    seconds: sleepsMs.map((each) => (each < 10 ? '0' : (each / SECOND_MS).toFixed(3))),
  }
}

/** What the instances do in each round. */
function makeRounds(count, { place, root, evidence, seconds, jobCount }) {
  const script = join(import.meta.dirname, 'task.sh')
  return Array.from({ length: count }, (_, index) => {
    const taskCount = Math.ceil((seconds.length * (index + 1)) / count)
    const list = join(place, `tasks-${index + 1}`)
    writeFileSync(
      list,
      seconds
        .slice(0, taskCount)
        .map((each) => `${each}\n`)
        .join(''),
    )
    const run = [
      'run',
      '--root',
      root,
      '-j',
      String(jobCount),
      '--wait',
      '--json',
      '--crash-limit',
      '1000000',
    ]
    return { taskCount, argv: [...run, '--progress', 'none', '-a', list, '--', 'sh', script, evidence, '{}'] }
  })
}

/** Starts all instances and lets things happen until all have ended well, or it takes much too long. */
async function live(slots, rounds, { disk, minutes, random, watch }) {
  const startedAtMs = Date.now()
  const plannedMs = minutes * MINUTE_MS
  let over = false
  let full
  const working = (async () => {
    for (const round of rounds) await Promise.all(slots.map((slot) => slot.keepRunning(round)))
    over = true
  })()
  const troublesEnd = () => over || Date.now() - startedAtMs > plannedMs
  const troubles = makeTroubles(slots, { random, deadAfterMs: DEAD_AFTER_MS, isOver: troublesEnd })
  const filling = (async () => {
    if (disk === undefined) return
    await pause(plannedMs / 3)
    full = { fromMs: Date.now() }
    await disk.fill(Math.min(plannedMs / 10, 20 * SECOND_MS))
    full.toMs = Date.now()
    say(`The disk was full for ${(full.toMs - full.fromMs) / SECOND_MS} s.`)
  })()
  const tooLateAtMs = startedAtMs + 2 * plannedMs + MINUTE_MS
  let toldAtMs = startedAtMs
  while (!over && Date.now() < tooLateAtMs) {
    await Promise.race([working, pause(WATCH_MS)])
    watch.look()
    if (Date.now() - toldAtMs < PROGRESS_MS) continue
    toldAtMs = Date.now()
    say(`${Math.round((toldAtMs - startedAtMs) / SECOND_MS)} s: ${watch.doneCount} tasks seen DONE`)
  }
  const late = !over
  over = true
  for (const slot of slots) slot.stop()
  const [counts] = await Promise.all([troubles, filling, working])
  return { startedAtMs, seconds: (Date.now() - startedAtMs) / SECOND_MS, counts, full, late }
}

async function main() {
  const options = readOptions()
  const { minutes, instanceCount, jobCount, taskCount, seed, keep } = options
  say(
    `Stress with seed ${seed}: ${instanceCount} instances of ${jobCount} slots, ${taskCount} tasks, ${minutes} minutes`,
  )
  const random = new SeededRandom(seed)
  const place = mkdtempSync(join(tmpdir(), 'mpibatch-stress-'))
  const disk = mountDisk(options.disk, { place, taskCount })
  const root = join(disk?.directory ?? place, 'root')
  const meanMs = (SLEEPING_SHARE * minutes * MINUTE_MS * instanceCount * jobCount) / taskCount
  const { names, evidence, seconds } = makeTasks(place, { taskCount, meanMs, random })
  const rounds = makeRounds(Math.ceil((minutes * MINUTE_MS) / ROUND_MS), {
    place,
    root,
    evidence,
    seconds,
    jobCount,
  })
  const environment = { ...process.env, MPIBATCH_LIVENESS: LIVENESS }
  const slots = Array.from(
    { length: instanceCount },
    (_, number) => new InstanceSlot(number, { environment, cwd: place }),
  )
  const watch = new StateWatch(root, names)
  const lived = await live(slots, rounds, { disk, minutes, random, watch })
  const lives = slots.flatMap((slot) => slot.lives)
  const { faults, counts } = verify({
    root,
    evidence,
    names,
    argv: rounds.at(-1).argv,
    lives,
    full: lived.full,
    startedAtMs: lived.startedAtMs,
  })
  faults.push(...watch.faults)
  if (lived.late) faults.push('The tasks have not ended in twice the time.')
  const ends = (matches) => lives.filter(matches).length
  say(
    `${lived.seconds.toFixed(0)} s. Troubles: ${JSON.stringify(lived.counts)}. Processes started: ${lives.length};`,
  )
  say(
    `  lost their lease: ${ends(({ stderr }) => stderr.includes('declared dead'))}; ended by a full disk: ${ends(({ stderr }) => stderr.includes('disk is full'))}.`,
  )
  say(`Claims: ${counts.claims}; commands: ${counts.commands}; tasks with more than one: ${counts.again}.`)
  for (const fault of faults) say(`FAULT ${fault}`)
  if (faults.length > 0 || keep)
    say(`Kept: ${place}${disk === undefined ? '' : ` (mounted: umount ${disk.directory})`}`)
  else {
    disk?.unmount()
    rmSync(place, { recursive: true })
  }
  say(`${taskCount} tasks, ${faults.length} faults, seed ${seed}`)
  process.exitCode = faults.length === 0 ? 0 : 1
}

await main()
