/** A start on work that is all done, by ours and by others; their records of it are written by hand. Seconds of whole programs. */
import { copyFileSync, linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LINKS_MAX, makeDoneRoot, NAME_DIGITS, runWords } from './done-root.mjs'
import { PROGRAMS } from './peers/peers.mjs'
import { expectCount, jsonLine, numberLines, runToEnd } from './run.mjs'

const JOBLOG_HEADER = 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n'

/** GNU parallel's record of `done` commands that ended well. */
export function joblogOf(done) {
  const line = (number) => `${number}\t:\t1700000000.000\t     0.001\t0\t0\t0\t0\ttrue ${number}\n`
  return JOBLOG_HEADER + Array.from({ length: done }, (_, index) => line(index + 1)).join('')
}

/** Makes a folder in which jug has done the first of its tasks. */
export function makeJugFolder({ path }, directory, { tasks, done }) {
  mkdirSync(directory, { recursive: true })
  copyFileSync(join(PROGRAMS, 'jug_tasks.py'), join(directory, 'tasks.py'))
  const program = [
    join(path, 'python'),
    join(PROGRAMS, 'jug_done.py'),
    'tasks.py',
    'tasks.jugdata',
    String(done),
  ]
  runToEnd(program, { cwd: directory, env: { BENCH_TASKS: String(tasks) } })
}

function mpibatchRerun(directory, tasks) {
  const root = join(directory, 'root')
  makeDoneRoot(root, { tasks, done: tasks })
  return () => {
    const { seconds, stdout } = runToEnd(runWords(root, tasks, ['--json']))
    expectCount('mpibatch', JSON.parse(stdout).done, tasks)
    return seconds
  }
}

/** Our root is one that pshmem understands too. */
function pshmemRerun({ path }, directory, tasks) {
  const program = [join(path, 'python'), join(PROGRAMS, 'pshmem_rerun.py')]
  return () => {
    const ended = runToEnd([...program, join(directory, 'root'), String(tasks), String(NAME_DIGITS)])
    expectCount('pshmem', jsonLine(ended).done, tasks)
    return ended.seconds
  }
}

function parallelRerun({ path }, directory, tasks) {
  const [joblog, list] = [join(directory, 'joblog'), join(directory, 'list')]
  const text = joblogOf(tasks)
  writeFileSync(joblog, text)
  writeFileSync(list, numberLines(tasks))
  return () => {
    const { seconds } = runToEnd([path, '-j', '4', '--resume', '--joblog', joblog, '-a', list, 'true'])
    if (readFileSync(joblog, 'utf8') !== text) throw new Error('GNU parallel has run something again')
    return seconds
  }
}

function makeRerun({ path }, directory, tasks) {
  const stamps = join(directory, 'stamps')
  mkdirSync(stamps)
  // Links to few files, as our states are.
  let source = ''
  for (let number = 1; number <= tasks; number += 1) {
    const stamp = join(stamps, String(number))
    if ((number - 1) % LINKS_MAX === 0) {
      writeFileSync(stamp, '')
      source = stamp
    } else linkSync(source, stamp)
  }
  const lines = [
    `STAMPS := $(addprefix stamps/,$(shell seq ${tasks}))`,
    'all: $(STAMPS)',
    '$(STAMPS): stamps/%:',
    '\ttrue $* > $@',
  ]
  writeFileSync(join(directory, 'Makefile'), `${lines.join('\n')}\n`)
  return () => {
    const { seconds, stdout } = runToEnd([path, '-C', directory, '-j', '4', 'all'])
    if (!stdout.includes('Nothing to be done')) throw new Error(`make has done something: ${stdout}`)
    return seconds
  }
}

function jugRerun(peer, directory, tasks) {
  const cwd = join(directory, 'jug')
  makeJugFolder(peer, cwd, { tasks, done: tasks })
  return () => {
    const words = [join(peer.path, 'jug'), 'execute', 'tasks.py', '--jugdir', 'tasks.jugdata']
    const { seconds, stdout } = runToEnd(words, { cwd, env: { BENCH_TASKS: String(tasks) } })
    // Its last line with numbers: executed, loaded, "Total".
    const [executed, loaded] = (/(\d+)\s+(\d+)\s+Total/.exec(stdout) ?? []).slice(1).map(Number)
    if (executed !== 0) throw new Error(`jug has run something again: ${stdout}`)
    expectCount('jug', loaded, tasks)
    return seconds
  }
}

/** The ways to rerun so many tasks, ready to be measured, by name; `directory` is where their records are. */
export function rerunWays(names, { peers, directory, tasks }) {
  const make = {
    mpibatch: () => ({ who: 'mpibatch run', run: mpibatchRerun(directory, tasks) }),
    parallel: () => ({ who: 'GNU parallel --resume', run: parallelRerun(peers.parallel, directory, tasks) }),
    jug: () => ({ who: 'jug execute', run: jugRerun(peers.jug, directory, tasks) }),
    pshmem: () => ({ who: 'pshmem MPIBatch', run: pshmemRerun(peers.pshmem, directory, tasks) }),
    make: () => ({ who: 'make, stamp files', run: makeRerun(peers.make, directory, tasks) }),
  }
  const way = (name) => {
    const missing = peers[name]?.missing
    return missing === undefined ? make[name]() : { who: name, missing }
  }
  return Object.fromEntries(names.map((name) => [name, way(name)]))
}
