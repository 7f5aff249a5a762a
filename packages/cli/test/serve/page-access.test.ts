import { describe, expect, it } from 'vitest'
import { type AskedAccess, PageAccess } from '../../src/serve/page-access.ts'

const HOST = '127.0.0.1:8080'

/** Asks with the cookie that the link gives, unless something else is said. */
function ask(change: Partial<AskedAccess> = {}, access = new PageAccess()): boolean {
  const opened = access.judge({ method: 'GET', path: '/', token: access.token, headers: { host: HOST } })
  const [cookie = ''] = (opened.allowed ? (opened.cookie ?? '') : '').split(';')
  const request = { method: 'GET', path: '/api/names', token: undefined, ...change }
  return access.judge({ ...request, headers: { host: HOST, cookie, ...change.headers } }).allowed
}

describe('access to the live page', () => {
  it('is given by the link, as a cookie that no script and no other site gets', () => {
    const access = new PageAccess()
    const verdict = access.judge({ method: 'GET', path: '/', token: access.token, headers: { host: HOST } })
    expect(verdict).toMatchObject({
      allowed: true,
      cookie: expect.stringMatching(/^mpibatch-\w{8}=[\w-]{22}; HttpOnly; SameSite=Strict; Path=\/$/),
    })
    expect(access.token).toMatch(/^[\w-]{22}$/)
    expect(JSON.stringify(verdict)).not.toContain(access.token)
    expect(ask()).toBe(true)
  })

  it('needs the cookie of this server', () => {
    const other = new PageAccess()
    const opened = other.judge({ method: 'GET', path: '/', token: other.token, headers: { host: HOST } })
    const foreign = opened.allowed ? opened.cookie : ''
    for (const cookie of ['', 'a=b', foreign, 'mpibatch-00000000=x'])
      expect(ask({ headers: { cookie } })).toBe(false)
    expect(ask({ path: '/' })).toBe(true)
    expect(ask({ path: '/', headers: { cookie: '' } })).toBe(false)
  })

  it('takes the token for nothing but the page itself', () => {
    const access = new PageAccess()
    const cookie = ''
    expect(ask({ path: '/', token: access.token, headers: { cookie } }, access)).toBe(true)
    expect(ask({ path: '/api/names', token: access.token, headers: { cookie } }, access)).toBe(false)
    expect(ask({ method: 'POST', path: '/', token: access.token, headers: { cookie } }, access)).toBe(false)
    for (const token of ['', 'x', access.token.slice(1), `${access.token}x`])
      expect(ask({ path: '/', token, headers: { cookie } }, access)).toBe(false)
  })

  it.each([
    'evil.example',
    'evil.example:8080',
    '127.0.0.1.evil.example',
    'localhost.evil:80',
    '127.0.0.1:x',
    '',
  ])('is refused under the name of another host, %j', (host) =>
    expect(ask({ headers: { host } })).toBe(false),
  )

  it.each(['localhost:9', '127.0.0.1:2222', '[::1]:80', 'localhost'])(
    'is given behind a tunnel, where this machine is called %s',
    (host) => expect(ask({ headers: { host } })).toBe(true),
  )

  it.each([
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:9999' },
    { origin: `https://${HOST}` },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  ])('is refused to another page, although it brings the cookie: %j', (headers) =>
    expect(ask({ headers })).toBe(false),
  )

  it('is given to who follows the link on another page, but not to a frame in it', () => {
    const access = new PageAccess()
    const link = { path: '/', token: access.token }
    const from = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
    expect(ask({ ...link, headers: { ...from, 'sec-fetch-dest': 'document' } }, access)).toBe(true)
    expect(ask({ ...link, headers: { ...from, 'sec-fetch-dest': 'iframe' } }, access)).toBe(false)
    expect(
      ask({ ...link, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } }, access),
    ).toBe(false)
  })

  it('to change anything needs the page as its origin, and a header that other pages can not send', () => {
    const own = { origin: `http://${HOST}`, 'x-mpibatch-action': '1' }
    const post = { method: 'POST', path: '/api/retry' }
    expect(ask({ ...post, headers: own })).toBe(true)
    expect(ask({ ...post, headers: { origin: own.origin } })).toBe(false)
    expect(ask({ ...post, headers: { 'x-mpibatch-action': '1' } })).toBe(false)
    expect(ask({ ...post, headers: { ...own, cookie: '' } })).toBe(false)
    expect(ask({ ...post, method: 'DELETE', headers: { origin: own.origin } })).toBe(false)
  })
})
