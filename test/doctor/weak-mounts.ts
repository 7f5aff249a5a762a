/**
 * Nodes that share a weak file system, on one machine: each is a mount namespace with its own FUSE mount, and thereby
 * its own caches, over one directory. `test/cluster/bed/fs/weakfs.c` says how weak it can be.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

const SOURCE = join(import.meta.dirname, '../cluster/bed/fs/weakfs.c')

/** Why namespaces with mounts can't be made here; empty if they can. */
export const NO_NAMESPACES: string =
  spawnSync('unshare', ['-m', 'true']).status === 0 ? '' : 'mount namespaces need root and unshare(1)'

/** Why FUSE can't be used here; empty if it can. */
export const NO_FUSE: string = whyNoFuse()

if (NO_FUSE !== '') process.stderr.write(`Tests on weak file systems are skipped: ${NO_FUSE}.\n`)

/** A node: a namespace with its mount. */
export interface WeakNode {
  /** A process of the namespace. */
  readonly pid: number
  /** The program and arguments that run a command in it. */
  readonly enter: readonly string[]
}

/** Nodes that share a directory. */
export interface WeakNodes {
  /** Where all of them have it mounted. */
  readonly point: string
  /** Where the files really are. */
  readonly backing: string
  readonly nodes: readonly WeakNode[]
}

/** Mounts the weak file system on as many nodes as there are texts of options. Unmounted when the test is over. */
export async function mountWeak(...options: readonly string[]): Promise<WeakNodes> {
  const program = buildWeakfs()
  const directory = temporaryDirectory()
  const backing = join(directory, 'backing')
  const point = join(directory, 'shared')
  mkdirSync(backing)
  mkdirSync(point)
  const nodes: WeakNode[] = []
  for (const text of options) {
    const flags = text === '' ? [] : ['-o', text]
    const argv = ['-m', '--propagation', 'private', program, '-f', ...flags, backing, point]
    const child = spawn('unshare', argv, { stdio: 'ignore' })
    const ended = new Promise((resolve) => child.once('close', resolve))
    onTestFinished(async () => {
      child.kill('SIGTERM')
      await ended
    })
    const { pid } = child
    if (pid === undefined) throw new Error('unshare could not be started')
    await waitUntil(() => readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(`${point} `))
    nodes.push({ pid, enter: enterNamespace(pid) })
  }
  return { point, backing, nodes }
}

/** A program that is called as ssh is and runs the command in a node, whatever host it is told. */
export function shellInto({ pid }: Pick<WeakNode, 'pid'>): string {
  const path = join(temporaryDirectory(), 'rsh')
  writeFileSync(path, `#!/bin/sh\nshift\nexec ${enterNamespace(pid).join(' ')} sh -c "$1"\n`, { mode: 0o755 })
  return path
}

function enterNamespace(pid: number): readonly string[] {
  return ['nsenter', '-t', String(pid), '-m', '--']
}

/** Compiles it once for all tests, into a name that belongs to its text. */
function buildWeakfs(): string {
  const hash = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 16)
  const program = join(tmpdir(), `mpibatch-weakfs-${hash}`)
  if (existsSync(program)) return program
  const staged = `${program}.${process.pid}`
  execFileSync('cc', ['-O1', '-o', staged, SOURCE, ...fuseFlags()], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  renameSync(staged, program)
  return program
}

function fuseFlags(): string[] {
  return execFileSync('pkg-config', ['--cflags', '--libs', 'fuse3'], { encoding: 'utf8' }).trim().split(/\s+/)
}

function whyNoFuse(): string {
  if (!existsSync('/dev/fuse')) return 'there is no /dev/fuse'
  if (NO_NAMESPACES !== '') return NO_NAMESPACES
  if (spawnSync('cc', ['--version']).status !== 0) return 'there is no C compiler'
  return spawnSync('pkg-config', ['--exists', 'fuse3']).status === 0 ? '' : 'libfuse3-dev is not installed'
}
