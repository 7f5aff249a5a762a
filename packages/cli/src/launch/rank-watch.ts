/**
 * Tells which rank of a job ended first, for launchers that don't: MPICH's ends all when one has died, and can't tell them
 * apart afterwards.
 *
 * Each rank keeps a connection to the supervisor's socket for as long as it lives. The kernel closes it when the rank is
 * gone, before the launcher hears of that, and hands out what was closed in that order. Ranks of other machines can't
 * connect, so an answer is given only where all ranks have.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a rank says of itself. */
interface RankPlace {
  readonly rank: number
  readonly size: number
}

/** The supervisor's side. */
export class RankWatch {
  readonly #directory: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #known = new Set<number>()
  #size = Number.POSITIVE_INFINITY
  #firstEnded: number | undefined

  /** @param token - What only the supervisor and its ranks know. */
  constructor(token: string) {
    this.#directory = directoryOf(token)
    this.#server = createServer((socket) => this.#onConnection(socket))
    // Without it, a loss is told as the launcher tells it.
    this.#server.on('error', () => undefined)
    this.#server.unref()
    try {
      mkdirSync(this.#directory, { mode: 0o700 })
      this.#server.listen(this.path)
    } catch {
      // As above.
    }
  }

  /** The rank that ended first; `undefined` while all live, or where that can't be known. */
  get firstEnded(): number | undefined {
    return this.#known.size === this.#size ? this.#firstEnded : undefined
  }

  /** Where ranks connect. */
  get path(): string {
    return socketIn(this.#directory)
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#stopListening()
  }

  #stopListening(): void {
    this.#server.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  #onConnection(socket: Socket): void {
    this.#sockets.add(socket)
    let text = ''
    let place: RankPlace | undefined
    socket.unref()
    socket.on('error', () => undefined)
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part
      if (place !== undefined || !text.endsWith('\n')) return
      place = readPlace(text)
      this.#known.add(place.rank)
      this.#size = place.size
      // Nothing is left then of a supervisor that is killed.
      if (this.#known.size === this.#size) this.#stopListening()
    })
    // Node tells of closed sockets in any order, but of their ends in the kernel's.
    socket.once('end', () => {
      this.#firstEnded ??= place?.rank
    })
    socket.once('close', () => this.#sockets.delete(socket))
  }
}

/** The rank's side: keeps a connection to the supervisor, if that is on this machine, until this process is gone. */
export function showLife(token: string, { rank, size }: RankPlace): void {
  const socket = connect(socketIn(directoryOf(token)))
  socket.on('error', () => undefined)
  socket.write(`${rank} ${size}\n`)
  socket.unref()
}

function readPlace(text: string): RankPlace {
  const [rank, size] = text.trim().split(' ').map(Number)
  return { rank: rank ?? Number.NaN, size: size ?? Number.NaN }
}

/** Other users may see its name, but not the token by it. */
function directoryOf(token: string): string {
  const name = createHash('sha256').update(token).digest('hex').slice(0, 16)
  return join(tmpdir(), `mpibatch-ranks-${name}`)
}

function socketIn(directory: string): string {
  return join(directory, 'socket')
}
