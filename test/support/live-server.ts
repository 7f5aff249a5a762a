import { readFileSync } from 'node:fs'
import { type ProgramOptions, type Running, startProgram } from './program.ts'
import { waitUntil } from './wait-until.ts'

/** A live page that is served. */
export interface ServedPage {
  readonly program: Running
  /** The link, with its token. */
  readonly link: string
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string
}

/** Starts `mpibatch serve` with these arguments; it is ended when the test is over. */
export async function serve(argv: readonly string[], options: ProgramOptions): Promise<ServedPage> {
  const program = startProgram(['serve', ...argv], options)
  const link = await waitUntil(() => /^(http:\S+)\n/.exec(program.stdout())?.[1], {
    describe: program.stderr,
  })
  return { program, link, origin: new URL(link).origin }
}

/** Gets what the link gives: the cookie, as a request brings it. */
export async function cookieOf(link: string): Promise<string> {
  const answer = await fetch(link)
  await answer.arrayBuffer()
  return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
}

/** Addresses of TCP sockets on which a process of this machine listens, by port, as `/proc` says. */
export function listeningAddresses(port: number): readonly string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
    readFileSync(table, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = '', , state]) => state === '0A' && local.endsWith(`:${hexPort}`))
      .map(([, local = '']) => local.split(':')[0] ?? ''),
  )
}
