import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { waitUntil } from '../support/wait-until.ts'
import { type Bed, LOCAL, REPOSITORY, SHARED } from './bed.ts'

const PROGRAM = join(REPOSITORY, 'packages/cli/bin/mpibatch.mjs')
const TASK = join(REPOSITORY, 'test/cluster/fixtures/task.sh')

/** A run of `mpibatch` in a node. */
export interface InstanceOptions {
  readonly node: string
  /** Name of the task root on the shared file system. */
  readonly root: string
  readonly tasks: number
  /** Commands at once. */
  readonly jobs: number
  /** Every so many-th task is a long one. */
  readonly longEvery: number
  /** How long those last, in quarters of a second. */
  readonly ticks: number
  /** Options besides. */
  readonly more?: readonly string[]
}

/** How an instance ended. */
export interface InstanceEnd {
  readonly exitCode: number
  readonly summary: { readonly tasks: number; readonly done: number; readonly exitCode: number } | undefined
  readonly stderr: string
}

/**
 * An instance of `mpibatch` that runs in a node by itself: nothing but its node's end ends it, and what it prints lies
 * on the node's own disk.
 */
export class Instance {
  readonly node: string
  readonly #bed: Bed
  readonly #place: string

  private constructor(bed: Bed, node: string, place: string) {
    this.#bed = bed
    this.node = node
    this.#place = place
  }

  static #started = 0
  static #running: Instance[] = []

  /** Forgets all instances of a bed; gives the nodes of those that have not ended. */
  static takeRunning(bed: Bed): string[] {
    const own = Instance.#running.filter((instance) => instance.#bed === bed)
    Instance.#running = Instance.#running.filter((instance) => !own.includes(instance))
    return own.filter((instance) => instance.end === undefined).map(({ node }) => node)
  }

  static async start(bed: Bed, options: InstanceOptions): Promise<Instance> {
    const { node, root, tasks, jobs, longEvery, ticks, more = [] } = options
    const instance = new Instance(bed, node, `run.${Instance.#started}`)
    Instance.#started += 1
    Instance.#running.push(instance)
    const place = `${LOCAL}/${instance.#place}`
    const argv = [
      ...[
        process.execPath,
        PROGRAM,
        'run',
        '--root',
        `${SHARED}/${bed.rootName(root)}`,
        '--array',
        `0-${tasks - 1}`,
      ],
      ...['--jobs', String(jobs), '--json', '--progress', 'none', '--logs', 'none', ...more],
      ...['--', 'sh', TASK, String(longEvery), String(ticks)],
    ]
    const line = argv.map((word) => `'${word}'`).join(' ')
    const { liveness } = bed.fileSystem
    const script = `mkdir -p ${place}; cd ${place}; MPIBATCH_LIVENESS=${liveness} ${line} >out 2>err & echo $! >pid; wait $!; echo $? >code.new; mv code.new code`
    await bed.exec(node, ['setsid', '--fork', 'sh', '-c', `exec </dev/null >/dev/null 2>&1; ${script}`])
    return instance
  }

  /** Asks it to end what it runs, as a user or a job scheduler does: at the second signal it does not wait for that. */
  async interrupt(): Promise<void> {
    const script = `pid=$(cat ${LOCAL}/${this.#place}/pid); kill -TERM $pid; sleep 0.5; kill -TERM $pid`
    await this.#bed.exec(this.node, ['sh', '-c', script])
  }

  /** Waits until it has said something. Asked in its node: a kernel of its own shows its files to others when they are closed. */
  async hasSaid(text: string): Promise<void> {
    const end = performance.now() + 30_000
    for (let said = ''; !said.includes(text); ) {
      if (performance.now() > end) throw new Error(`It has not said "${text}", but: ${said}`)
      said = await this.#bed.exec(this.node, ['sh', '-c', `cat ${LOCAL}/${this.#place}/err || true`])
    }
  }

  /** When it had ended, by the clock of the machine, milliseconds since 1970. */
  get endedAtMs(): number {
    return statSync(this.#bed.localPath(this.node, this.#place, 'code')).mtimeMs
  }

  /** How it ended, or `undefined` while it runs. */
  get end(): InstanceEnd | undefined {
    const code = this.#read('code')
    if (code === '') return undefined
    const out = this.#read('out').trim().split('\n').at(-1) ?? ''
    return {
      exitCode: Number(code),
      summary: out.startsWith('{') ? JSON.parse(out) : undefined,
      stderr: this.#read('err'),
    }
  }

  async ended(timeoutMs: number): Promise<InstanceEnd> {
    return await waitUntil(() => this.end, {
      timeoutMs,
      describe: () => this.describe(),
    })
  }

  /** Where it stands, for people. */
  describe(): string {
    const code = this.end?.exitCode
    return `The instance in ${this.node} ${code === undefined ? 'runs' : `has ended with ${code}`}. It has said: ${this.#read('err')}`
  }

  #read(name: string): string {
    const path = this.#bed.localPath(this.node, this.#place, name)
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }
}
