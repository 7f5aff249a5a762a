/** Lists of hosts as launchers read them: words, files, and Slurm's ranges. Pure. */

/** What is left of a list, and how much of it is gone: weights are numbers of ranks that a host takes. */
export interface HostListCut {
  readonly text: string
  readonly weightLeft: number
  readonly weightLost: number
  /** Whether a host does not say how many ranks it takes; it counts as 1 then. */
  readonly isVague: boolean
}

/** Whether two names mean one host: a short name means the same as any longer one that begins with it. */
export function isSameHost(one: string, other: string): boolean {
  const [a, b] = [one.toLowerCase(), other.toLowerCase()]
  return a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`)
}

/** Takes hosts out of `a:2,b,c:4`. */
export function cutHostWords(text: string, hosts: readonly string[]): HostListCut {
  const entries = text.split(',').map((entry) => {
    const [, name = entry, weight] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? []
    return { text: entry, name, weight }
  })
  return cut(entries, hosts, ',')
}

/**
 * Takes hosts out of a host file: a host a line, with `slots=N` (Open MPI) or `:N` (MPICH) behind it. Lines without
 * one, and comments, stay.
 */
export function cutHostFile(text: string, hosts: readonly string[]): HostListCut {
  const entries = text.split('\n').map((line) => {
    const [word = '', ...rest] = line.replace(/#.*/, '').trim().split(/\s+/)
    const [, name = word, behind] = /^(.*?)(?::(\d+))?$/.exec(word.replace(/^.*@/, '')) ?? []
    const slots = /\bslots\s*=\s*(\d+)/.exec(rest.join(' '))?.[1]
    return { text: line, name, weight: slots ?? behind }
  })
  return cut(entries, hosts, '\n')
}

/**
 * Takes hosts out of Slurm's `node[1-4,7],login`.
 *
 * @returns `undefined` for what it can't read, such as the name of a file.
 */
export function cutNodeList(text: string, hosts: readonly string[]): HostListCut | undefined {
  const names = expandNodeList(text)
  if (names === undefined) return undefined
  return cut(
    names.map((name) => ({ text: name, name, weight: '1' })),
    hosts,
    ',',
  )
}

const NODES_MAX = 100_000

/** The names that Slurm's `node[01-03],login` stands for; `undefined` for what is no such list. */
export function expandNodeList(text: string): readonly string[] | undefined {
  // Commas in brackets part ranges, the others part names.
  const parts = text.match(/(?:[^,[\]]|\[[^\]]*\])+/g) ?? []
  if (text === '' || text.includes('/') || parts.join(',') !== text) return undefined
  const names: string[] = []
  for (const part of parts) {
    const [, before, ranges, behind] = /^([^[\]]*)\[([\d,-]+)\]([^[\]]*)$/.exec(part) ?? []
    if (before === undefined || ranges === undefined) {
      if (/[[\]]/.test(part)) return undefined
      names.push(part)
      continue
    }
    for (const range of ranges.split(',')) {
      const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? []
      if (first === undefined || last === undefined) return undefined
      if (Number(last) - Number(first) > NODES_MAX) return undefined
      for (let number = Number(first); number <= Number(last); number += 1) {
        names.push(`${before}${String(number).padStart(first.length, '0')}${behind ?? ''}`)
      }
    }
  }
  return names
}

interface HostEntry {
  readonly text: string
  /** Empty where the entry is no host. */
  readonly name: string
  readonly weight: string | undefined
}

function cut(entries: readonly HostEntry[], hosts: readonly string[], separator: string): HostListCut {
  const isLost = ({ name }: HostEntry): boolean => hosts.some((host) => isSameHost(host, name))
  const left = entries.filter((entry) => entry.name === '' || !isLost(entry))
  const lost = entries.filter((entry) => entry.name !== '' && isLost(entry))
  return {
    text: left.map(({ text }) => text).join(separator),
    weightLeft: totalWeight(left),
    weightLost: totalWeight(lost),
    isVague: [...left, ...lost].some(({ name, weight }) => name !== '' && weight === undefined),
  }
}

function totalWeight(entries: readonly HostEntry[]): number {
  return entries.reduce((sum, { name, weight }) => sum + (name === '' ? 0 : Number(weight ?? 1)), 0)
}
