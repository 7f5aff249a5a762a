/** The server of the live page, as programs see it that mean harm, and as the page does. */
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cookieOf, listeningAddresses } from '../../../../test/support/live-server.ts'
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts'
import { startLiveServer } from '../../src/serve/live-server.ts'

/** Puts a task there, or gives it another state, as a program does that knows nothing but state files. */
function write(root: string, name: string, word: string): void {
  mkdirSync(join(root, name), { recursive: true })
  writeFileSync(join(root, name, 'state.new'), `${word}\n`)
  renameSync(join(root, name, 'state.new'), join(root, name, 'state'))
}

/** A directory with a root of two tasks, `good` and `bad`, each with something printed. */
function directoryWithRoot(): { readonly place: string; readonly root: string } {
  const place = temporaryDirectory()
  const root = join(place, 'root')
  write(root, 'good', 'DONE')
  write(root, 'bad', 'FAILED')
  for (const name of ['good', 'bad']) writeFileSync(join(root, name, 'stdout'), `out of ${name}\n`)
  return { place, root }
}

const wordOf = (root: string, name: string): string => readFileSync(join(root, name, 'state'), 'utf8').trim()

const PAGES = new Map(
  ['/', '/page/live.js'].map((path) => [path, { type: 'text/plain', text: 'a page that imports' }]),
)

interface ServedPage {
  readonly origin: string
  readonly link: string
  readonly cookie: string
  readonly said: readonly string[]
}

async function serve(root: string, options: { readonly allowActions?: boolean } = {}): Promise<ServedPage> {
  const said: string[] = []
  const onMessage = (text: string): unknown => said.push(text)
  const server = await startLiveServer(root, {
    port: 0,
    pages: PAGES,
    allowActions: false,
    onMessage,
    ...options,
  })
  onTestFinished(() => server.close())
  return { origin: new URL(server.url).origin, link: server.url, cookie: await cookieOf(server.url), said }
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** Asks without a browser's or fetch's own mind about headers and paths. */
function ask(
  { origin }: ServedPage,
  path: string,
  options: {
    readonly headers?: Record<string, string>
    readonly method?: string
    readonly body?: string
  } = {},
): Promise<Answer> {
  const { port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const { headers = {}, method = 'GET', body } = options
    const asked = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

describe('the server of the live page', () => {
  it('gives nothing without its token, under a foreign name, or to another page', async () => {
    const { root } = directoryWithRoot()
    const served = await serve(root)
    const { cookie } = served
    expect(cookie).toMatch(/^mpibatch-/)
    const paths = [
      '/',
      '/page/live.js',
      '/api/names',
      '/api/events',
      '/api/task?task=good',
      '/api/log?task=good&file=stdout',
    ]
    const { host } = new URL(served.origin)
    for (const path of paths) {
      const wrong: readonly Record<string, string>[] = [
        {},
        { cookie: `${cookie.split('=')[0]}=wrong` },
        { cookie, origin: 'http://evil.example' },
        { cookie, origin: 'null' },
        { cookie, host: `evil.example:${new URL(served.origin).port}` },
        { cookie, 'sec-fetch-site': 'cross-site' },
        { cookie, 'sec-fetch-site': 'same-site' },
      ]
      for (const headers of wrong) {
        const { status, text } = await ask(served, path, { headers })
        expect([path, headers, status]).toEqual([path, headers, 403])
        expect(text).not.toMatch(/good|bad|import/)
      }
    }
    expect((await ask(served, '/?token=wrong')).status).toBe(403)
    const { status } = await ask(served, '/api/names', { headers: { cookie, origin: `http://${host}` } })
    expect(status).toBe(200)
  })

  it('answers with headers that forbid frames, foreign scripts, guessing and keeping', async () => {
    const { root } = directoryWithRoot()
    const served = await serve(root)
    const { cookie } = served
    for (const [path, headers] of [
      ['/', { cookie }],
      ['/api/names', { cookie }],
      ['/nowhere', { cookie }],
      ['/', {}],
      ['//evil', { cookie }],
    ] as const) {
      const answer = await ask(served, path, { headers })
      expect(answer.headers, path).toMatchObject({
        'content-security-policy': expect.stringMatching(
          /^default-src 'none'; script-src 'self'.*frame-ancestors 'none'/,
        ),
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
        'cache-control': 'no-store',
      })
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
    }
  })

  it('listens on the loopback address alone', async () => {
    const { root } = directoryWithRoot()
    const { origin } = await serve(root)
    expect(listeningAddresses(Number(new URL(origin).port))).toEqual(['0100007F'])
  })

  it('gives logs of tasks by name and in pieces, and no other file', async () => {
    const { place, root } = directoryWithRoot()
    writeFileSync(join(place, 'secret'), 'secret')
    writeFileSync(join(root, 'good/notes'), 'secret')
    rmSync(join(root, 'bad/stdout'))
    symlinkSync(join(place, 'secret'), join(root, 'bad/stdout'))
    const served = await serve(root)
    const headers = { cookie: served.cookie }
    const log = (query: Record<string, string>): Promise<Answer> =>
      ask(served, `/api/log?${new URLSearchParams(query)}`, { headers })
    expect(await log({ task: 'good', file: 'stdout' })).toMatchObject({
      status: 200,
      text: 'out of good\n',
      headers: { 'content-type': 'application/octet-stream', 'x-log-from': '0', 'x-log-size': '12' },
    })
    expect((await log({ task: 'good', file: 'stdout', from: '7' })).text).toBe('good\n')
    expect((await log({ task: 'good', file: 'stdout', before: '7' })).text).toBe('out of ')
    for (const query of [
      { task: 'bad', file: 'stdout' },
      { task: 'good', file: 'notes' },
      { task: 'good', file: 'state' },
      { task: 'good', file: '../../secret' },
      { task: 'good', file: 'stdout/../../../secret' },
      { task: '../good', file: 'stdout' },
      { task: '..', file: 'stdout' },
      { task: '.mpibatch', file: 'stdout' },
      { task: '', file: 'stdout' },
      { task: 'good\u0000', file: 'stdout' },
    ])
      expect([query, await log(query)]).toMatchObject([query, { status: 404 }])
    for (const path of [
      '/../secret',
      '/page/../../secret',
      '/page/%2e%2e/%2e%2e/secret',
      '/secret',
      '/page/',
      '/root/good/stdout',
    ])
      expect([path, (await ask(served, path, { headers })).status]).toEqual([path, 404])
    // Put in the place of the task's directory after the server has listed the tasks.
    renameSync(join(root, 'good'), join(place, 'moved'))
    symlinkSync(join(place, 'moved'), join(root, 'good'))
    expect((await log({ task: 'good', file: 'stdout' })).status).toBe(404)
  })

  it('can change nothing unless that was allowed', async () => {
    const { root } = directoryWithRoot()
    const served = await serve(root)
    const own = { cookie: served.cookie, origin: served.origin, 'x-mpibatch-action': '1' }
    for (const path of ['/api/retry', '/api/recover'])
      expect((await ask(served, path, { method: 'POST', headers: own, body: '{"tasks":[]}' })).status).toBe(
        404,
      )
    expect(wordOf(root, 'bad')).toBe('FAILED')
  })

  it('opens failed tasks again with --allow-actions, for the page itself alone', async () => {
    const { root } = directoryWithRoot()
    const served = await serve(root, { allowActions: true })
    const own = { cookie: served.cookie, origin: served.origin, 'x-mpibatch-action': '1' }
    const retry = (headers: Record<string, string>, body = '{"tasks":[]}'): Promise<Answer> =>
      ask(served, '/api/retry', { method: 'POST', headers, body })
    const { 'x-mpibatch-action': _header, ...withoutHeader } = own
    for (const headers of [withoutHeader, { ...own, origin: 'http://evil.example' }, { ...own, cookie: '' }])
      expect((await retry(headers)).status).toBe(403)
    expect(wordOf(root, 'bad')).toBe('FAILED')
    for (const body of ['', '{', '[]', '{"tasks":[1]}', '{"tasks":["good"]}', '{"tasks":["../x"]}'])
      expect([body, (await retry(own, body)).status]).toEqual([body, 400])
    const { status, text } = await retry(own)
    expect([status, JSON.parse(text)]).toEqual([200, { done: true, said: ['1 task OPEN again.'] }])
    expect(wordOf(root, 'bad')).toBe('OPEN')
  })

  it('tells who comes back only what has changed, and of a root that goes away and returns', async () => {
    const place = temporaryDirectory()
    const root = join(place, 'root')
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) write(root, name, 'OPEN')
    const served = await serve(root)
    const { cookie } = served
    const first = await readEvents(served, { cookie }, (frames) => frames.at(-1)?.status?.open === 8)
    expect(first[0]).toMatchObject({ taskCount: 8, states: expect.any(String) })
    write(root, 'c', 'DONE')
    const back = { cookie, 'last-event-id': first.at(-1)?.id ?? '' }
    const [change] = await readEvents(served, back, (frames) => frames.at(-1)?.status?.done === 1)
    expect(change).toMatchObject({ changes: [2, 2] })
    expect(change).not.toHaveProperty('states')
    renameSync(root, join(place, 'gone'))
    await readEvents(served, { cookie }, (frames) => /no task root/.test(frames.at(-1)?.status?.fault ?? ''))
    expect(served.said).toEqual([expect.stringMatching(/There is no task root .*root/)])
    renameSync(join(place, 'gone'), root)
    write(root, 'd', 'FAILED')
    write(root, 'i', 'OPEN')
    await readEvents(served, { cookie }, (frames) => {
      const status = frames.at(-1)?.status
      return status?.fault === null && status.failed === 1 && frames.at(-1)?.taskCount === 9
    })
  })
})

interface Frame {
  readonly id: string
  readonly taskCount: number
  readonly states?: string
  readonly changes?: readonly number[]
  readonly status?: {
    readonly open: number
    readonly done: number
    readonly failed: number
    readonly fault: string | null
  }
}

/** Listens to the events until enough has come. */
async function readEvents(
  { origin }: ServedPage,
  headers: Record<string, string>,
  isEnough: (frames: readonly Frame[]) => boolean,
): Promise<readonly Frame[]> {
  const stop = new AbortController()
  const answer = await fetch(`${origin}/api/events`, {
    headers,
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout(20_000)]),
  })
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'text/event-stream; charset=utf-8',
  ])
  const frames: Frame[] = []
  let rest = ''
  for await (const piece of answer.body ?? []) {
    rest += Buffer.from(piece).toString('utf8')
    const events = rest.split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) {
      const [, id, data] = /^id: (\S+)\ndata: (.*)$/.exec(event) ?? []
      if (id !== undefined && data !== undefined) frames.push({ id, ...JSON.parse(data) })
    }
    if (frames.length > 0 && isEnough(frames)) break
  }
  stop.abort()
  return frames
}
