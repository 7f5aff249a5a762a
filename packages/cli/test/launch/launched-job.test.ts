import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { waitUntil } from '../../../../test/support/wait-until.ts'
import { LaunchedJob } from '../../src/launch/launched-job.ts'

const token = `mpibatch-test-${process.pid}`

/** A launcher that is a shell script. */
function launch(script: string, options: { readonly input?: string } = {}) {
  const lines: string[] = []
  const printed: string[] = []
  const output = new Writable({
    write: (bytes: Buffer, _, done) => {
      printed.push(bytes.toString())
      // Whoever reads it is slow.
      setImmediate(done)
    },
  })
  const job = new LaunchedJob({
    words: ['/bin/sh', '-c', script],
    environment: { PATH: process.env.PATH },
    input: options.input === undefined ? undefined : Buffer.from(options.input),
    token,
    output,
    onLine: (line) => lines.push(line),
    graceMs: 200,
    finishMs: 200,
  })
  return { job, lines, output: () => printed.join('') }
}

/** A command line with which a process writes its number, `$$` or `$!`, on standard error. */
const says = (text: string): string => `echo "${text}" >&2`

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a launched job', () => {
  it('ends with what the ranks say, and shows all other lines', async () => {
    const { job, lines } = launch(
      [says(`${token} started`), says('hello'), says(`[0] ${token} 1`), 'printf tail >&2', 'exit 9'].join(
        ';',
      ),
    )
    expect(await job.ended).toEqual({ exitCode: 1, started: true, lostHosts: [], launcher: 'exit code 9' })
    expect(lines).toEqual(['hello', 'tail'])
  })

  it('hands on what the ranks print, and finds in it which rank the launcher says was lost', async () => {
    const text = 'process rank 1 with PID 0 on node a exited on signal 9 (Killed).'
    const { job, output } = launch(`seq 40000; echo "mpirun noticed that ${text}"; exit 137`)
    expect((await job.ended).lostRank).toEqual({ rank: 1, host: 'a', how: 'SIGKILL' })
    const numbers = Array.from({ length: 40_000 }, (_, index) => `${index + 1}\n`).join('')
    expect(output() === `${numbers}mpirun noticed that ${text}\n`).toBe(true)
  })

  it('hands over standard input', async () => {
    const { job, lines } = launch('cat >&2', { input: 'a\nb\n' })
    await job.ended
    expect(lines).toEqual(['a', 'b'])
  })

  it('is ended when a launcher stays after the run, or when a host is lost', async () => {
    const { job } = launch(`trap '' TERM; ${says(`${token} 0`)}; sleep 60 & wait; sleep 60`)
    expect(await job.ended).toMatchObject({ exitCode: 0, launcher: 'SIGKILL' })
    const { job: other } = launch(`${says(`${token} lost n1 n2`)}; sleep 60`)
    expect(await other.ended).toMatchObject({
      exitCode: undefined,
      lostHosts: ['n1', 'n2'],
      launcher: 'SIGTERM',
    })
  })

  it('leaves nothing behind of a launcher that is lost, also outside its session', async () => {
    const { job, lines } = launch(`setsid sleep 60 & ${says('$!')}; sleep 60`)
    const pid = Number(await waitUntil(() => lines[0]))
    expect(isAlive(pid)).toBe(true)
    job.end()
    expect(await job.ended).toMatchObject({ exitCode: undefined, started: false })
    await waitUntil(() => !isAlive(pid))
  })

  it('says why a launcher could not be started', async () => {
    const job = new LaunchedJob({
      words: ['/no/such/launcher'],
      environment: {},
      input: undefined,
      token,
      onLine: () => undefined,
    })
    expect(await job.ended).toMatchObject({
      exitCode: undefined,
      launcher: expect.stringContaining('ENOENT'),
    })
  })
})
