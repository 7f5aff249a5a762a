/**
 * The server of the live page: what may be asked, by whom (`page-access.ts`), and with which headers it is answered.
 *
 * Paths are compared whole with those in a table, and tasks are looked up by name among those that the root has, so that
 * nothing in a request ever becomes part of a path on the disk.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ConfigError } from '@mpibatch/batch-core'
import { type LiveAnswer, liveRoutes } from './live-routes.ts'
import { PageAccess } from './page-access.ts'
import type { PageFile } from './page-files.ts'
import { RootFollower } from './root-follower.ts'
import { sendFrames } from './send-frames.ts'

/** On every answer: nothing foreign runs in the page, frames it, reads it, or keeps it. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** A request that changes something says so in few words. */
const BODY_SIZE_MAX = 64 * 1024

/** How {@link startLiveServer} serves. */
export interface LiveServerOptions {
  /** 0 for one that is free. */
  readonly port: number
  /** The page's files, by path. */
  readonly pages: ReadonlyMap<string, PageFile>
  /** Whether tasks may be opened again from the page. */
  readonly allowActions: boolean
  /** Hears what a person at the terminal should know. */
  readonly onMessage: (text: string) => void
}

/** A server that {@link startLiveServer} has started. */
export interface LiveServer {
  /** The link, with its token. */
  readonly url: string
  readonly port: number
  /** Ends it, with whatever is under way. */
  close(): Promise<void>
}

/**
 * Serves the live page of a root on this machine's loopback address.
 *
 * @throws {@link StoreUnusableError} if there is no such root, or it can't be read.
 * @throws {@link ConfigError} if the port can't be had.
 */
export async function startLiveServer(root: string, options: LiveServerOptions): Promise<LiveServer> {
  const { port, allowActions, pages, onMessage } = options
  const follower = new RootFollower(root, onMessage)
  const access = new PageAccess()
  const stop = new AbortController()
  const routes = liveRoutes(root, follower, { allowActions })
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    const url = urlOf(request)
    if (url === undefined) return answer(response, { status: 400, text: 'The address makes no sense.' })
    const { method = 'GET', headers } = request
    const verdict = access.judge({
      ...{ method, headers, path: url.pathname },
      token: url.searchParams.get('token') ?? undefined,
    })
    if (!verdict.allowed) return answer(response, { status: 403, text: verdict.reason })
    if (verdict.cookie !== undefined) response.setHeader('set-cookie', verdict.cookie)
    const page = method === 'GET' ? pages.get(url.pathname) : undefined
    if (page !== undefined) return answer(response, { status: 200, ...page })
    if (method === 'GET' && url.pathname === '/api/events')
      return void sendFrames(request, response, { feed: follower.feed, signal: stop.signal })
    const route = routes.get(`${method} ${url.pathname}`)
    if (route === undefined) return answer(response, { status: 404, text: 'There is no such thing here.' })
    void readBody(request)
      .then((body) => route(url.searchParams, body))
      .catch((error: unknown) => ({
        status: 500,
        text: error instanceof Error ? error.message : String(error),
      }))
      .then((result) => answer(response, result))
  })
  await listen(server, port)
  const following = follower.run(stop.signal)
  const { port: taken } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${taken}/?token=${access.token}`,
    port: taken,
    async close() {
      stop.abort()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await following
    },
  }
}

/** What was asked for; `undefined` for an address that is none on this server. */
function urlOf(request: IncomingMessage): URL | undefined {
  const { url = '' } = request
  if (!url.startsWith('/') || url.startsWith('//')) return undefined
  try {
    return new URL(url, 'http://127.0.0.1')
  } catch {
    return undefined
  }
}

function answer(response: ServerResponse, { status, type, text, bytes, headers = {} }: LiveAnswer): void {
  response.statusCode = status
  response.setHeader('content-type', type ?? 'text/plain; charset=utf-8')
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.end(bytes ?? text)
}

/** Reads what a request says; too much of it is an error. */
async function readBody(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > BODY_SIZE_MAX) throw new Error('The request is too long.')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

async function listen(server: Server, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port, host: '127.0.0.1' }, resolve)
    })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error
    const why = code === 'EADDRINUSE' ? 'is in use' : 'may not be used by this user'
    throw new ConfigError(
      `Port ${port} ${why}. Name another with --port, or leave it out to get one that is free.`,
    )
  }
}
