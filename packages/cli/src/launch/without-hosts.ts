/**
 * A launcher's words without hosts that were lost, and with as many ranks fewer. Pure, but for the host files, which
 * the caller reads and writes.
 *
 * Known are Open MPI's mpirun, MPICH's (hydra) and their other names, and Slurm's srun. A word that means a list of
 * hosts to one of the first two means nothing else to the other, so they need not be told apart.
 */
import { basename } from 'node:path'
import { cutHostFile, cutHostWords, cutNodeList, type HostListCut } from './host-list.ts'

/** What {@link withoutHosts} needs. */
export interface WithoutHostsOptions {
  readonly hosts: readonly string[]
  /** Ranks of a worker group: what is left is a multiple of it. */
  readonly groupSize: number
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Text of a host file; `undefined` if it can't be read. */
  readonly readFile: (path: string) => string | undefined
  /** Puts a text into a new host file. @returns Its path. */
  readonly writeFile: (text: string) => string
}

const MPIRUN = /^(?:mpirun|mpiexec|orterun|prterun|prun)(?:[.\-_].*)?$/
const SRUN = 'srun'

/**
 * Takes lost hosts out of a launcher's words.
 *
 * @returns `undefined` where that can't be done: an unknown program, hosts that it finds by itself, no host left, or
 *   none of the lost among those that are named.
 */
export function withoutHosts(
  words: readonly string[],
  options: WithoutHostsOptions,
): readonly string[] | undefined {
  // Something like "env A=1" may stand before it.
  const start = words.findIndex((word) => MPIRUN.test(basename(word)) || basename(word) === SRUN)
  const program = words[start]
  // Behind a colon, mpirun starts a second program with hosts of its own.
  if (program === undefined || words.includes(':')) return undefined
  const line = new LauncherLine(words.slice(start + 1))
  const cut =
    basename(program) === SRUN ? withoutHostsOfSrun(line, options) : withoutHostsOfMpirun(line, options)
  return cut ? [...words.slice(0, start + 1), ...line.words] : undefined
}

const HOST_WORDS = ['-H', '-host', '--host', '-hosts', '--hosts', '-hostlist', '--hostlist']
const HOST_FILE_WORDS = ['-f', '-hostfile', '--hostfile', '-machinefile', '--machinefile']
const DEFAULT_FILE_WORDS = ['-default-hostfile', '--default-hostfile']
const COUNT_WORDS = ['-n', '--n', '-np', '--np', '-c']

function withoutHostsOfMpirun(line: LauncherLine, options: WithoutHostsOptions): boolean {
  const list = line.find(HOST_WORDS)
  const file = line.find([...HOST_FILE_WORDS, ...DEFAULT_FILE_WORDS])
  // A list chooses from the hosts of a file where both are given, so the list decides.
  const cut = list === undefined ? cutFile(file, options) : cutHostWords(list.value, options.hosts)
  if (cut === undefined || cut.weightLost === 0 || cut.weightLeft === 0) return false
  const count = line.find(COUNT_WORDS)
  if (count !== undefined) {
    const left = ranksLeft(Number(count.value), cut, options.groupSize)
    if (left === undefined) return false
    line.replace(count, String(left))
  }
  if (list !== undefined) line.replace(list, cut.text)
  else if (file !== undefined) line.replace(file, options.writeFile(cut.text))
  return true
}

function cutFile(file: Found | undefined, options: WithoutHostsOptions): HostListCut | undefined {
  const text = file === undefined ? undefined : options.readFile(file.value)
  return text === undefined ? undefined : cutHostFile(text, options.hosts)
}

/**
 * As many ranks as the hosts that are left take: all of them if they have room, else in proportion.
 *
 * @returns `undefined` if they don't fill a group.
 */
function ranksLeft(
  ranks: number,
  { weightLeft, weightLost, isVague }: Pick<HostListCut, 'weightLeft' | 'weightLost' | 'isVague'>,
  groupSize: number,
): number | undefined {
  if (!Number.isSafeInteger(ranks)) return undefined
  const weight = weightLeft + weightLost
  const left =
    isVague || ranks > weight ? Math.floor((ranks * weightLeft) / weight) : Math.min(ranks, weightLeft)
  const whole = left - (left % groupSize)
  return whole === 0 ? undefined : whole
}

/** In an allocation the lost nodes are left out by name, and fewer are asked for; outside, Slurm finds others. */
function withoutHostsOfSrun(line: LauncherLine, options: WithoutHostsOptions): boolean {
  const { hosts, environment, groupSize } = options
  const list = line.find(['-w', '--nodelist'])
  const cut = list === undefined ? undefined : cutNodeList(list.value, hosts)
  if (list !== undefined && (cut === undefined || cut.weightLeft === 0)) return false
  const nodes = line.find(['-N', '--nodes'])
  const allocated = environment.SLURM_JOB_NUM_NODES ?? environment.SLURM_NNODES
  const nodeCount = Number(nodes?.value ?? (cut === undefined ? allocated : cut.weightLeft + cut.weightLost))
  const left = nodeCount - hosts.length
  // A range like 2-4 says already that fewer will do.
  const isFixed = Number.isSafeInteger(nodeCount) && (allocated !== undefined || cut !== undefined)
  if (isFixed && left < 1) return false
  const tasks = line.find(['-n', '--ntasks'])
  const taskCount = tasks?.value ?? (allocated === undefined ? undefined : environment.SLURM_NTASKS)
  if (isFixed && taskCount !== undefined) {
    const weights = { weightLeft: left, weightLost: hosts.length, isVague: true }
    const ranks = ranksLeft(Number(taskCount), weights, groupSize)
    if (ranks === undefined) return false
    line.set(tasks, ['--ntasks', String(ranks)])
  }
  if (isFixed) line.set(nodes, ['--nodes', String(left)])
  if (list !== undefined && cut !== undefined) line.replace(list, cut.text)
  const excluded = line.find(['-x', '--exclude'])
  line.set(excluded, ['--exclude', [...(excluded === undefined ? [] : [excluded.value]), ...hosts].join(',')])
  return true
}

/** An option that was found: its name, its value, and whether both stand in one word. */
interface Found {
  readonly index: number
  readonly name: string
  readonly value: string
  /** Between name and value: `=`, or nothing as in `-n4`; `undefined` if the value is the next word. */
  readonly joint: '=' | '' | undefined
}

/** The words behind a launcher's name. */
class LauncherLine {
  readonly words: string[]

  constructor(words: readonly string[]) {
    this.words = [...words]
  }

  /** The last option of these names: launchers take the last as well. */
  find(names: readonly string[]): Found | undefined {
    let found: Found | undefined
    for (const [index, word] of this.words.entries()) {
      for (const name of names) {
        const next = this.words[index + 1]
        if (word === name && next !== undefined) found = { index, name, value: next, joint: undefined }
        else if (word.startsWith(`${name}=`)) {
          found = { index, name, value: word.slice(name.length + 1), joint: '=' }
        } else if (/^-[a-zA-Z]$/.test(name) && new RegExp(`^${name}\\d`).test(word)) {
          found = { index, name, value: word.slice(name.length), joint: '' }
        }
      }
    }
    return found
  }

  replace({ index, name, joint }: Found, value: string): void {
    if (joint === undefined) this.words[index + 1] = value
    else this.words[index] = `${name}${joint}${value}`
  }

  /** Gives an option a value, or adds it. */
  set(found: Found | undefined, [name, value]: readonly [string, string]): void {
    if (found !== undefined) this.replace(found, value)
    else this.words.push(`${name}=${value}`)
  }
}
