import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LiveFeed } from './live-feed.ts'

/** A sign that the server lives is sent so often, milliseconds; a connection that is gone is noticed by it. */
const BEAT_MS = 15_000
/** A browser that lost the connection tries again after so long, milliseconds. */
const RETRY_MS = 1000
/** Viewers at a time. */
const VIEWERS_MAX = 100

/**
 * Sends what a feed has to tell as server-sent events, from where the viewer says that it was, until it leaves or the
 * signal aborts. A viewer that takes them slowly gets fewer and longer ones.
 */
export async function sendFrames(
  request: IncomingMessage,
  response: ServerResponse,
  options: { readonly feed: LiveFeed<unknown>; readonly signal: AbortSignal },
): Promise<void> {
  const { feed, signal } = options
  if (feed.viewerCount >= VIEWERS_MAX) {
    response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8' })
    response.end('Too many viewers.')
    return
  }
  const gone = new AbortController()
  const end = (): void => gone.abort()
  response.on('close', end)
  signal.addEventListener('abort', end)
  const leave = feed.join()
  try {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    response.write(`retry: ${RETRY_MS}\n\n`)
    const last = request.headers['last-event-id']
    let position = typeof last === 'string' ? last : undefined
    while (!gone.signal.aborted) {
      const frame = feed.frameSince(position)
      position = frame === undefined ? position : feed.position
      const text = frame === undefined ? ': beat\n\n' : `id: ${position}\ndata: ${JSON.stringify(frame)}\n\n`
      if (!response.write(text)) await once(response, 'drain', { signal: gone.signal })
      await feed.changed(position, BEAT_MS, gone.signal)
    }
  } catch (error) {
    if (!gone.signal.aborted) throw error
  } finally {
    leave()
    signal.removeEventListener('abort', end)
    response.end()
  }
}
