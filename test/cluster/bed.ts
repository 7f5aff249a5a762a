/**
 * Fake nodes with a shared file system, for the tests beside this file: the scripts in `bed`, with a bound on every
 * wait. A bed is made for a suite and taken down with it, also one that an earlier run has left.
 */
import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const SCRIPTS = join(import.meta.dirname, 'bed')
/** Top of the repository; the nodes see it under the same path. */
export const REPOSITORY: string = join(import.meta.dirname, '../..')

/** Where the shared file system is mounted in the nodes. */
export const SHARED = '/cluster/shared'
/** Where each node has a disk of its own, which outlives it. */
export const LOCAL = '/cluster/local'

/** A kind of shared file system, and how two nodes get it. */
export interface SharedFileSystem {
  /** `bind`: a directory of the machine below, which is as good as its own disk. */
  readonly kind: 'nfs' | 'gluster' | 'weak' | 'bind'
  /** What must be there: programs by name, other files by path. */
  readonly needs: readonly string[]
  /** The two nodes. */
  readonly nodes: readonly [first: string, second: string]
  /** Mount options of NFS, volume settings of Gluster, options of weakfs. */
  readonly options?: string
  /** Liveness times that are honest there, as `MPIBATCH_LIVENESS` takes them. */
  readonly liveness: string
  /** After so long, milliseconds, a node sees what the other has done; part of {@link SharedFileSystem.liveness}. */
  readonly visibilityMs: number
  /** Tasks that make a run of half a minute there. */
  readonly tasks: number
  /** Faults that each node has all the time, as the rules of weakfs. */
  readonly faults?: string
}

/** Nodes with a Linux kernel of their own, whose NFS client has its default mount options. */
export const NFS: SharedFileSystem = {
  kind: 'nfs',
  needs: ['linux.uml', 'ganesha.nfsd', 'rpcbind', 'modprobe', 'cc', 'ssh', '/usr/sbin/sshd', 'nft'],
  nodes: ['node101', 'node102'],
  // A heartbeat is rewritten in place and read by opening, which asks the server: milliseconds, not the 60 s of names.
  liveness: 'heartbeat=500ms,lease=3s,visibility=2s,dead-after=6s',
  visibilityMs: 2000,
  tasks: 80,
}

/** GlusterFS, one brick, clients with their defaults: attributes are kept for a second. */
export const GLUSTER: SharedFileSystem = {
  kind: 'gluster',
  needs: ['glusterd', 'glusterfs', 'gluster', 'nft', '/dev/fuse'],
  nodes: ['node1', 'node2'],
  liveness: 'heartbeat=300ms,lease=2s,visibility=2s,dead-after=5s',
  visibilityMs: 2000,
  tasks: 120,
}

/**
 * A file system that keeps what it knows for 3 s, loses every second answer of some calls, says ESTALE of files that were
 * replaced while they are read, and has no locks.
 */
export const WEAK: SharedFileSystem = {
  kind: 'weak',
  needs: ['cc', 'pkg-config', 'fusermount3', '/usr/include/fuse3', '/dev/fuse'],
  nodes: ['node1', 'node2'],
  options: 'attr=3,entry=3,neg=3,lock=ENOTSUP,estale',
  liveness: 'heartbeat=200ms,lease=1s,visibility=3s,dead-after=5s',
  visibilityMs: 3000,
  tasks: 120,
  faults:
    'lostreply link every=2\nlostreply rename every=3\nlostreply unlink every=2\nlostreply mkdir every=2\n',
}

/** What the suites need that are not about file systems. */
export const BIND: SharedFileSystem = {
  kind: 'bind',
  needs: ['ssh', '/usr/sbin/sshd', 'nft'],
  nodes: ['node1', 'node2'],
  liveness: 'heartbeat=200ms,lease=1s,visibility=200ms,dead-after=3s',
  visibilityMs: 200,
  tasks: 120,
}

/** What a bed lacks, or `undefined` if it can be made. */
export function missingFor({ needs }: SharedFileSystem): string | undefined {
  if (process.getuid?.() !== 0) return 'the rights of root'
  const directories = (process.env.PATH ?? '').split(':')
  return needs.find((need) => {
    if (need.startsWith('/')) return !existsSync(need)
    return !directories.some((directory) => isExecutable(join(directory, need)))
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** See {@link Bed.commandIn}. */
export interface NodeCommand {
  readonly file: string
  readonly argv: readonly string[]
  readonly environment: NodeJS.ProcessEnv
}

/** Two nodes over one file system. */
export class Bed {
  readonly fileSystem: SharedFileSystem
  readonly #name: string
  readonly #state: string

  constructor(fileSystem: SharedFileSystem) {
    this.fileSystem = fileSystem
    // Whoever tests on the same machine needs another name, or takes this bed down.
    this.#name = `${process.env.MPIBATCH_TEST_BED ?? 'mpibatch-test'}-${fileSystem.kind}`
    this.#state = `/run/mpibatch-cluster-${this.#name}`
  }

  async up(): Promise<void> {
    const { kind, options, nodes } = this.fileSystem
    await this.down()
    // Nodes with a kernel of their own need the others' switch, but not the others.
    await this.#script('cluster', ['up', kind === 'nfs' ? '1' : '2'])
    if (kind === 'nfs')
      await this.#script('cluster-uml', ['up', '2', ...(options === undefined ? [] : [options])])
    else if (kind !== 'bind')
      await this.#script('clusterfs', ['up', kind, ...(options === undefined ? [] : [options])])
    for (const node of nodes) this.inject(node, '')
  }

  /** Starts a Slurm: its controller in `login`, and on each node room for so many tasks. Taken down with the bed. */
  async startSlurm(tasksPerNode: number): Promise<void> {
    await this.#script('cluster-slurm', ['up', String(tasksPerNode)])
  }

  /**
   * Undoes what a test has done to the nodes: both are up and healed afterwards.
   *
   * @param busy - Nodes in which something still runs; they are booted anew.
   */
  async restore(busy: readonly string[]): Promise<void> {
    await this.heal()
    for (const node of this.fileSystem.nodes) {
      await this.thaw(node).catch(() => undefined)
      if (busy.includes(node)) await this.kill(node)
      if (!(await this.#isUp(node))) await this.start(node)
    }
  }

  async down(): Promise<void> {
    if (!existsSync(this.#state)) return
    await this.heal()
    if (this.fileSystem.kind === 'nfs') await this.#script('cluster-uml', ['down']).catch(() => undefined)
    else if (this.fileSystem.kind !== 'bind') await this.#script('clusterfs', ['down']).catch(() => undefined)
    await this.#script('cluster', ['down'])
  }

  /** How often the running test was tried before: it must not find what the first try has left. */
  tryNumber = 0

  /** Name of the directory that a test calls so; another one in each try. */
  rootName(root: string): string {
    return this.tryNumber === 0 ? root : `${root}-try-${this.tryNumber}`
  }

  /** Where this machine sees what the nodes share, without any client between. */
  sharedPath(...parts: readonly string[]): string {
    const place =
      this.fileSystem.kind === 'gluster'
        ? join(this.localPath('login'), 'brick')
        : join(this.#state, 'shared')
    return join(place, ...parts)
  }

  /** Where this machine sees a node's own disk. */
  localPath(node: string, ...parts: readonly string[]): string {
    return join(this.#state, 'nodes', node, 'local', ...parts)
  }

  /** Runs a command in a node to its end; gives what it prints. */
  async exec(node: string, argv: readonly string[], timeoutMs = 30_000): Promise<string> {
    return await this.#script('cluster', ['exec', '-w', '/', node, '--', ...argv], timeoutMs)
  }

  /** The command that runs another one in a node, for `spawn`; what ends the one ends the other. */
  commandIn(node: string, argv: readonly string[]): NodeCommand {
    return {
      file: join(SCRIPTS, 'cluster'),
      argv: ['exec', '-w', '/', node, '--', ...argv],
      environment: this.#environment(),
    }
  }

  /** Ids of all processes of a node, on the machine below. */
  async processIds(node: string): Promise<number[]> {
    const ids = await this.#script('cluster', ['pids', node])
    return ids.split('\n').filter(Boolean).map(Number)
  }

  /** Power cut: the others see silence. */
  async kill(node: string): Promise<void> {
    await this.#script('cluster', ['kill', node])
  }

  /** Boots a node after a power cut, with the file system mounted. */
  async start(node: string): Promise<void> {
    await this.#script('cluster', ['start', node])
    const { kind } = this.fileSystem
    if (kind === 'gluster' || kind === 'weak') await this.#script('clusterfs', ['remount', node])
  }

  /** Stops all processes of a node, its clients of the file system among them. */
  async freeze(node: string): Promise<void> {
    await this.#script('cluster', ['pause', node])
  }

  async thaw(node: string): Promise<void> {
    await this.#script('cluster', ['resume', node])
  }

  /** Cuts a node off from the file system. */
  async partition(node: string): Promise<void> {
    // Behind weakfs is no network; its calls hang instead.
    if (this.fileSystem.kind === 'weak') this.inject(node, 'hang any\n')
    else await this.#script('cluster', ['partition', node])
  }

  /** Ends a partition. */
  async heal(): Promise<void> {
    if (this.fileSystem.kind === 'weak') for (const node of this.fileSystem.nodes) this.inject(node, '')
    else await this.#script('cluster', ['heal']).catch(() => undefined)
  }

  async #isUp(node: string): Promise<boolean> {
    const status = await this.#script('cluster', ['status'])
    return status.split('\n').some((line) => line.startsWith(`${node} `) && line.includes(' up '))
  }

  /** Makes calls of a node's weakfs fail until {@link Bed.heal}, besides those that always do; see the top of `weakfs.c`. */
  inject(node: string, rules: string): void {
    const path = join(this.#state, 'fs', `ctl.${node}`)
    if (!existsSync(join(path, '..'))) return
    writeFileSync(`${path}.new`, `${rules}${this.fileSystem.faults ?? ''}`)
    renameSync(`${path}.new`, path)
  }

  #environment(): NodeJS.ProcessEnv {
    return { ...process.env, CLUSTER_NAME: this.#name, CLUSTER_BINDS: REPOSITORY }
  }

  async #script(script: string, argv: readonly string[], timeoutMs = 90_000): Promise<string> {
    try {
      const { stdout } = await run(join(SCRIPTS, script), argv, {
        env: this.#environment(),
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: 1 << 24,
      })
      return stdout
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
      throw new Error(`${script} ${argv.join(' ')} failed.\n${stdout}${stderr}`, { cause: error })
    }
  }
}
