/**
 * Who may talk to the live page's server.
 *
 * The server listens on this machine only, but every user of the machine, and every page that somebody's browser shows,
 * can reach it there. So each request has to bring a cookie, which only the link that was printed gives; and what a
 * browser sends for the sake of another page is refused, whatever it brings:
 *
 * - `Host` has to name this machine, so that no name of another site can be turned to it (DNS rebinding). The port may
 *   be any: it is another one behind `ssh -L`.
 * - `Origin`, where there is one, has to be that of the page itself.
 * - `Sec-Fetch-Site`, which all browsers of today send, has to be `same-origin`, or `none` for what was typed. The link
 *   itself may stand on any page.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** What a request says that matters here. */
export interface AskedAccess {
  readonly method: string
  readonly path: string
  /** The token that stands in the address. */
  readonly token: string | undefined
  readonly headers: IncomingHttpHeaders
}

/** What becomes of a request. */
export type AccessVerdict =
  | { readonly allowed: true; readonly cookie?: string }
  | { readonly allowed: false; readonly reason: string }

/** Header that a request which changes something has to bring; a page of another origin can't send it unasked. */
const ACTION_HEADER = 'x-mpibatch-action'

const NEEDS_LINK = 'This page opens with the link that "mpibatch serve" has printed.'

/** See the top of this file. */
export class PageAccess {
  /** Stands in the link. 128 random bits. */
  readonly token: string = randomBytes(16).toString('base64url')
  /** Other servers on this machine get the cookie too, so it is not the token, and its name is this server's own. */
  readonly #ticket = randomBytes(16).toString('base64url')
  readonly #cookieName = `mpibatch-${randomBytes(4).toString('hex')}`

  /** Judges a request. */
  judge(request: AskedAccess): AccessVerdict {
    const { method, path, token, headers } = request
    const opens = method === 'GET' && path === '/' && token !== undefined && isSame(token, this.token)
    const reason = foreignReason(headers, opens)
    if (reason !== undefined) return { allowed: false, reason }
    if (opens) {
      const cookie = `${this.#cookieName}=${this.#ticket}; HttpOnly; SameSite=Strict; Path=/`
      return { allowed: true, cookie }
    }
    if (!this.#hasTicket(headers.cookie)) return { allowed: false, reason: NEEDS_LINK }
    if (method === 'GET') return { allowed: true }
    if (headers.origin === undefined || headers[ACTION_HEADER] !== '1')
      return { allowed: false, reason: 'Only the page itself may change anything.' }
    return { allowed: true }
  }

  #hasTicket(cookies = ''): boolean {
    return cookies.split(';').some((pair) => {
      const [name = '', value = ''] = pair.trim().split('=', 2)
      return name === this.#cookieName && isSame(value, this.#ticket)
    })
  }
}

/** Why a request is refused without a look at what it brings; `undefined` if it is not. */
function foreignReason(headers: IncomingHttpHeaders, opens: boolean): string | undefined {
  const { host = '', origin } = headers
  if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/.test(host))
    return 'The name of the host is not this machine’s.'
  if (origin !== undefined && origin !== `http://${host}`) return 'The request comes from another page.'
  const site = headers['sec-fetch-site']
  const isOwn = site === undefined || site === 'same-origin' || site === 'none'
  const isLink = opens && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
  return isOwn || isLink ? undefined : 'The request comes from another page.'
}

/** Compares secrets in a time that tells nothing of them. */
function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
