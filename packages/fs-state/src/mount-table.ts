/** Finds out how a directory is mounted, from the text of `/proc/self/mountinfo` (pure); see proc(5). */

/** A mounted file system. */
export interface Mount {
  /** Name of its type, with the subtype that FUSE gives: `ext4`, `nfs4`, `fuse.sshfs`. */
  readonly type: string
  /** What is mounted: a device, `server:/export`, or a name that the driver chose. */
  readonly source: string
  /** Directory that it is mounted on. */
  readonly point: string
  /** Options of the mount and of the file system, `rw`, `soft`, `acdirmax=60`. */
  readonly options: readonly string[]
}

/**
 * The mount that a path belongs to: the one mounted last on the longest directory that leads to it.
 *
 * @param text - Contents of `/proc/self/mountinfo`.
 * @param path - Absolute, without symbolic links.
 */
export function findMount(text: string, path: string): Mount | undefined {
  let found: Mount | undefined
  for (const line of text.split('\n')) {
    const mount = parseMount(line)
    if (mount === undefined || !isBelow(path, mount.point)) continue
    if (found === undefined || mount.point.length >= found.point.length) found = mount
  }
  return found
}

/** The number that an option such as `acdirmax=60` gives; `undefined` if it is not there. */
export function mountOptionNumber(mount: Mount | undefined, option: string): number | undefined {
  const prefix = `${option}=`
  const text = mount?.options.find((one) => one.startsWith(prefix))?.slice(prefix.length)
  return text !== undefined && /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined
}

/** Tells whether an option without a value, such as `soft`, is set. */
export function hasMountOption(mount: Mount | undefined, option: string): boolean {
  return mount?.options.includes(option) ?? false
}

function parseMount(line: string): Mount | undefined {
  // Optional fields stand between the fixed ones before and the three behind the hyphen.
  const [before, after] = line.split(' - ', 2)
  const point = before?.split(' ')[4]
  const own = before?.split(' ')[5]
  const [type, source, shared] = after?.split(' ') ?? []
  if (point === undefined || own === undefined || type === undefined || source === undefined) return undefined
  const options = [...own.split(','), ...(shared ?? '').split(',')].filter((option) => option !== '')
  return { type, source: withoutEscapes(source), point: withoutEscapes(point), options }
}

/** Blanks, tabs, newlines and backslashes are written as octal numbers there. */
function withoutEscapes(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

function isBelow(path: string, point: string): boolean {
  return point === '/' || path === point || path.startsWith(`${point}/`)
}
