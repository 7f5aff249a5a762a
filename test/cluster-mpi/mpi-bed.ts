/** Two fake nodes and the MPI libraries of Debian, which are started over both as a user does it. */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Bed, BIND, missingFor, REPOSITORY } from '../cluster/bed.ts'
import { waitUntil } from '../support/wait-until.ts'

/** A family of MPI libraries with its launcher. */
export interface Family {
  readonly name: string
  /** For names of files. */
  readonly key: string
  /** The start of the command line that starts so many ranks on each of these hosts. */
  launcher(hosts: readonly string[], ranksPerHost: number): readonly string[]
}

/** Stock Debian packages, without options but where to run. */
export const FAMILIES: readonly Family[] = [
  {
    name: 'Open MPI',
    key: 'openmpi',
    launcher: (hosts, ranks) => [
      ...['mpirun.openmpi', '-np', `${hosts.length * ranks}`],
      ...['--host', hosts.map((host) => `${host}:${ranks}`).join(',')],
    ],
  },
  {
    name: 'MPICH',
    key: 'mpich',
    launcher: (hosts, ranks) => [
      ...['mpirun.mpich', '-np', `${hosts.length * ranks}`],
      ...['-hosts', hosts.map((host) => `${host}:${ranks}`).join(',')],
    ],
  },
]

/** How a job ended. */
export interface JobEnd {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  readonly durationMs: number
}

/** A command that runs in a node, with a bound on its time. */
export interface Job {
  /** What it has printed until now. */
  readonly said: string
  /** Never rejects; exit code 124 if the time was over. */
  readonly ended: Promise<JobEnd>
}

const NODES = ['node1', 'node2'] as const
const TIMED_OUT = 124
/** Short times for tests that lose something, as `MPIBATCH_LIVENESS` takes them. */
export const LIVENESS = 'heartbeat=300ms,lease=2s,visibility=200ms,dead-after=5s'
/** What a job consists of; a node has nothing of it between two tests. */
const OF_JOBS = /^(node|ssh|srun|mpirun.*|mpiexec.*|orted|hydra.*)$/

/** The nodes, for a suite. */
export class MpiBed {
  readonly bed: Bed = new Bed(BIND)
  readonly nodes: readonly [string, string] = NODES

  /** The command line of a program in `programs`. */
  program(name: string, ...argv: readonly string[]): readonly string[] {
    return [process.execPath, join(import.meta.dirname, 'programs', name), ...argv]
  }

  /** The command line of mpibatch. */
  mpibatch(...argv: readonly string[]): readonly string[] {
    return [process.execPath, join(REPOSITORY, 'packages/cli/bin/mpibatch.mjs'), ...argv]
  }

  start(node: string, line: readonly string[], timeoutMs = 60_000): Job {
    const { file, argv, environment } = this.bed.commandIn(node, line)
    const startedMs = performance.now()
    const child = spawn(file, argv, {
      env: { ...environment, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      child.kill('SIGKILL')
    }, timeoutMs)
    const ended = new Promise<JobEnd>((resolve) => {
      child.on('close', (code, signal) => {
        clearTimeout(timer)
        const exitCode = isLate ? TIMED_OUT : (code ?? (signal === 'SIGKILL' ? 137 : 143))
        resolve({ exitCode, stdout, stderr, durationMs: performance.now() - startedMs })
      })
    })
    return {
      ended,
      get said() {
        return `${stdout}${stderr}`
      },
    }
  }

  /** Runs an MPI program over both nodes, two ranks on each, started in the first. */
  async run(family: Family, line: readonly string[], timeoutMs?: number): Promise<JobEnd> {
    return await this.start(NODES[0], [...family.launcher(NODES, 2), ...line], timeoutMs).ended
  }

  /** Removes what tests have left in the shared directory: a second try must not find it. */
  clearShared(): void {
    const place = this.bed.sharedPath()
    for (const name of readdirSync(place)) rmSync(join(place, name), { recursive: true })
  }

  /** Names of the processes in a node that belong to jobs. */
  async leftIn(node: string): Promise<string[]> {
    const ids = await this.bed.processIds(node)
    return ids.map(nameOf).filter((name) => OF_JOBS.test(name))
  }

  /** Waits until no process of a job is left in these nodes. */
  async expectNothingLeft(nodes: readonly string[], timeoutMs = 10_000): Promise<void> {
    const end = performance.now() + timeoutMs
    for (;;) {
      const left = (await Promise.all(nodes.map((node) => this.leftIn(node)))).flat()
      if (left.length === 0) return
      if (performance.now() > end) throw new Error(`Left on ${nodes.join(', ')}: ${left.join(', ')}`)
    }
  }

  /** Rounds of `until-told.mjs` until now; 0 before the first. */
  rounds(name: string): number {
    return Number(readIfThere(this.bed.sharedPath(`${name}.rounds`)))
  }

  async waitForRounds(name: string, above: number): Promise<void> {
    await waitUntil(() => this.rounds(name) > above, {
      describe: () => `${name} is at ${this.rounds(name)} of ${above}.`,
    })
  }
}

/** Describes a suite with two nodes, or skips it with the reason. */
export function describeOnNodes(
  name: string,
  needs: readonly string[],
  tests: (nodes: MpiBed) => void,
): void {
  const missing = missingFor({ ...BIND, needs: [...BIND.needs, ...needs] })
  if (missing !== undefined && process.env.MPIBATCH_REQUIRE_CLUSTER !== '1') {
    describe.skip(`${name} (needs ${missing}; see test/cluster-mpi/README.md)`, () =>
      it('is skipped', () => undefined))
    return
  }
  describe(name, () => {
    const nodes = new MpiBed()
    beforeAll(async () => {
      if (missing !== undefined)
        throw new Error(`The fake nodes need ${missing}; test/cluster/bed/deps.sh installs it.`)
      await nodes.bed.up()
    })
    beforeEach(({ task }) => {
      if ((task.result?.retryCount ?? 0) > 0) nodes.clearShared()
    })
    afterEach(async () => {
      const busy = []
      for (const node of NODES) {
        if (
          await nodes.leftIn(node).then(
            (left) => left.length > 0,
            () => true,
          )
        )
          busy.push(node)
      }
      await nodes.bed.restore(busy)
    })
    afterAll(() => nodes.bed.down())
    tests(nodes)
  })
}

/** Expects an end, and shows what was said where it was another one. */
export function expectExit(end: JobEnd, exitCode: number): void {
  expect(end.exitCode, `${end.stdout}${end.stderr}`).toBe(exitCode)
}

function nameOf(processId: number): string {
  return readIfThere(`/proc/${processId}/comm`).trim()
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
