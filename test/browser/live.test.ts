/** The live page in a real browser. */
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BROWSER_NOTE, openPage, startBrowser, type WatchedPage, withoutBrowser } from '../support/browser.ts'
import { type ServedPage, serve } from '../support/live-server.ts'
import { countStates, type Running, runProgram, startProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Prints a line, waits for a file of the task's name to appear, prints another, and fails if its name says so. */
const WAITS =
  'echo begin {}; until [ -e go-{} ]; do sleep 0.05; done; echo end {}; case {} in bad*) echo oh {} >&2; exit 3; esac'

/** Starts a run of tasks that wait, two at a time. */
async function startRun(cwd: string, names: readonly string[]): Promise<Running> {
  const run = startProgram(['run', '-j', '2', '--name', '{}', '-c', WAITS, ':::', ...names], { cwd })
  await waitUntil(() => existsSync(join(cwd, 'mpibatch.out', names[0] ?? '', 'stdout')), {
    describe: run.stderr,
  })
  return run
}

const release = (cwd: string, name: string): void => writeFileSync(join(cwd, `go-${name}`), '')

async function openLive(
  { link }: ServedPage,
  options: Parameters<typeof openPage>[1] = {},
): Promise<WatchedPage> {
  const watched = await openPage(await startBrowser(), options)
  await watched.page.goto(link)
  return watched
}

/** Waits until the chip of a state says so many tasks. */
async function untilCount(page: Page, state: string, count: number): Promise<void> {
  await page.locator('.chip', { hasText: new RegExp(`^${state} ${count}$`) }).waitFor()
}

const textOf = async (page: Page, selector: string): Promise<string> =>
  (await page.locator(selector).textContent()) ?? ''

describe.skipIf(withoutBrowser)(`the live page in a browser${BROWSER_NOTE}`, () => {
  it('follows a run to its end, and shows why a task failed', async () => {
    const cwd = temporaryDirectory()
    const run = await startRun(cwd, ['one', 'bad', 'three'])
    const served = await serve([], { cwd })
    const { page, faults, requests } = await openLive(served)
    await untilCount(page, 'RUNNING', 2)
    await untilCount(page, 'OPEN', 1)
    expect(page.url()).toBe(`${served.origin}/`)
    await page.locator('#running .link', { hasText: 'one' }).waitFor()
    release(cwd, 'bad')
    await untilCount(page, 'FAILED', 1)
    await page.locator('#failures .link', { hasText: 'bad' }).click()
    await page.locator('.log', { hasText: 'oh bad' }).waitFor()
    expect(await textOf(page, '.message')).toBe('exit code 3: oh bad')
    await page.locator('.answer', { hasText: 'Attempt 1 ended as FAILED' }).waitFor()
    await page.getByRole('tab', { name: 'stdout' }).click()
    await page.locator('.log', { hasText: 'begin bad\nend bad' }).waitFor()
    release(cwd, 'one')
    release(cwd, 'three')
    await page.locator('#advice', { hasText: 'All tasks have ended, some of them FAILED' }).waitFor()
    await untilCount(page, 'DONE', 2)
    expect(await page.title()).toBe('100 % · mpibatch.out')
    expect((await run.ended).exitCode).toBe(1)
    expect(faults).toEqual([])
    expect(
      requests.filter((address) => !address.startsWith(served.origin) && !address.startsWith('data:')),
    ).toEqual([])
    // Reloaded, which breaks the stream off, it comes back without the link.
    await page.reload()
    await untilCount(page, 'DONE', 2)
  })

  it('shows what a task prints while it runs', async () => {
    const cwd = temporaryDirectory()
    await startRun(cwd, ['one'])
    const { page, faults } = await openLive(await serve([], { cwd }))
    await page.locator('#running .link', { hasText: 'one' }).click()
    await page.locator('.log', { hasText: /^begin one\n$/ }).waitFor()
    await page.getByText('following').waitFor()
    release(cwd, 'one')
    await page.locator('.log', { hasText: 'begin one\nend one' }).waitFor()
    await page.locator('.state-line .state-done').waitFor()
    expect(faults).toEqual([])
  })

  it('reads long logs from their end, and back to their beginning', async () => {
    const cwd = temporaryDirectory()
    await runProgram(['run', '--name', '{}', '-c', 'seq -f "line %.0f" 100000; : {}', ':::', 'long'], { cwd })
    const { page } = await openLive(await serve([], { cwd }))
    await page.locator('#filter').fill('LONG')
    await page.locator('#cell', { hasText: '1 of 1 tasks' }).waitFor()
    await page.locator('#grid').focus()
    await page.keyboard.press('Enter')
    await page.locator('.log', { hasText: 'line 100000' }).waitFor()
    const log = page.locator('.log')
    const firstLine = async (): Promise<number> =>
      Number(/^line (\d+)\n/.exec((await log.textContent()) ?? '')?.[1])
    const before = await firstLine()
    expect(before).toBeGreaterThan(1)
    while (await page.getByRole('button', { name: 'Load earlier output' }).isVisible()) {
      const first = await firstLine()
      await page.getByRole('button', { name: 'Load earlier output' }).click()
      await expect.poll(firstLine, { timeout: 20_000 }).toBeLessThan(first)
    }
    const lines = ((await log.textContent()) ?? '').trimEnd().split('\n')
    expect(lines).toEqual(Array.from({ length: 100_000 }, (_, line) => `line ${line + 1}`))
  })

  it('shows names and output of others as text, whatever they say', async () => {
    const cwd = temporaryDirectory()
    const name = '<img src=x onerror=window.hurt=1>\u202e'
    await runProgram(
      ['run', '--name', '{}', '-c', 'echo {}; printf "%s\\033[31m\\007" {} >&2; exit 1', ':::', name],
      { cwd },
    )
    const { page, faults } = await openLive(await serve([], { cwd }))
    await page.locator('#failures .link').click()
    const shown = '<img src=x onerror=window.hurt=1>\\u202e'
    await page.locator('.details h2', { hasText: shown }).waitFor()
    await page.locator('.log', { hasText: `${shown}␇` }).waitFor()
    await page.locator('.answer', { hasText: 'is FAILED' }).waitFor()
    expect(await textOf(page, '#failures .link')).toBe(shown)
    expect(await page.locator('main img').count()).toBe(0)
    expect(await page.evaluate(() => 'hurt' in window)).toBe(false)
    expect(faults).toEqual([])
  })

  it('is worked by keys, and filters by state and name', async () => {
    const cwd = temporaryDirectory()
    const line = 'test {} != task-7'
    const names = Array.from({ length: 40 }, (_, index) => `task-${index}`)
    await runProgram(['run', '--name', '{}', '--progress', 'none', '-c', line, ':::', ...names], { cwd })
    const { page } = await openLive(await serve([], { cwd }))
    await untilCount(page, 'DONE', 39)
    await page.locator('#cell', { hasText: '40 tasks' }).waitFor()
    await page.locator('#filter').press('Tab')
    await page.keyboard.press('ArrowRight')
    await page.locator('#cell', { hasText: 'task-1: DONE' }).waitFor()
    await page.keyboard.press('End')
    await page.locator('#cell', { hasText: 'task-39: DONE' }).waitFor()
    await page.keyboard.press('Home')
    await page.keyboard.press('Enter')
    await page.locator('.details h2', { hasText: 'task-0' }).waitFor()
    await page.locator('.details .close').press('Escape')
    await page.locator('#details').waitFor({ state: 'hidden' })
    await page.locator('.chip', { hasText: 'FAILED' }).press('Enter')
    await page.locator('#cell', { hasText: '1 of 40 tasks' }).waitFor()
    await page.locator('#grid').click({ position: { x: 5, y: 5 } })
    await page.locator('.details h2', { hasText: 'task-7' }).waitFor()
    await page.locator('.chip', { hasText: 'FAILED' }).press('Enter')
    await page.locator('#filter').fill('TASK-3')
    await page.locator('#cell', { hasText: '11 of 40 tasks' }).waitFor()
    await page.locator('#grid').hover({ position: { x: 5, y: 5 } })
    await page.locator('#tip', { hasText: /task-3: DONE.*1 attempt/s }).waitFor()
  })

  it('opens a failed task again, if that was allowed and is confirmed', async () => {
    const cwd = temporaryDirectory()
    await runProgram(['run', '--name', '{}', '-c', 'false {}', ':::', 'a', 'b'], { cwd })
    const { page, faults } = await openLive(await serve(['--allow-actions'], { cwd }))
    await page.locator('#failures .link', { hasText: 'b' }).click()
    page.once('dialog', (dialog) => void dialog.dismiss())
    await page.getByRole('button', { name: 'Retry this task' }).click()
    page.once('dialog', (dialog) => void dialog.accept())
    await page.getByRole('button', { name: 'Retry this task' }).click()
    await page.locator('#notice', { hasText: '1 task OPEN again.' }).waitFor()
    await untilCount(page, 'OPEN', 1)
    expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ OPEN: 1, FAILED: 1 })
    page.once('dialog', (dialog) => void dialog.accept())
    await page.getByRole('button', { name: 'Retry failed' }).click()
    await untilCount(page, 'OPEN', 2)
    expect(faults).toEqual([])
    const plain = await openLive(await serve([], { cwd }))
    await untilCount(plain.page, 'OPEN', 2)
    expect(await plain.page.getByRole('button', { name: /Retry|Recover/ }).count()).toBe(0)
  })

  it('gives nothing to a page of another origin, although its browser has the cookie', async () => {
    const cwd = temporaryDirectory()
    await runProgram(['run', '--name', '{}', '-c', 'echo secret-{}', ':::', 'a'], { cwd })
    const served = await serve(['--allow-actions'], { cwd })
    const { page } = await openLive(served)
    await untilCount(page, 'DONE', 1)
    const evil = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end('<!doctype html><title>evil</title>')
    })
    await new Promise<void>((listening) => evil.listen(0, '127.0.0.1', listening))
    onTestFinished(() => void evil.close())
    const other = await page.context().newPage()
    // Of the same site, as browsers see it, since ports don't count: the cookie is sent.
    await other.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`)
    const got = await other.evaluate(attack, served.origin)
    expect(got).toEqual({
      fetched: 'TypeError',
      posted: 'TypeError',
      opaque: '',
      script: 'error',
      events: 'error',
      framed: 'nothing',
    })
    await other.goto(`http://localhost:${(evil.address() as AddressInfo).port}/`)
    expect((await other.evaluate(attack, served.origin)).fetched).toBe('TypeError')
    expect(countStates(join(cwd, 'mpibatch.out'))).toEqual({ DONE: 1 })
  })

  it('says so when the server has ended, and when it is another one', async () => {
    const cwd = temporaryDirectory()
    await runProgram(['run', '--', 'true', ':::', 'a'], { cwd })
    const served = await serve([], { cwd })
    const { page } = await openLive(served)
    await untilCount(page, 'DONE', 1)
    served.program.child.kill('SIGINT')
    await page.locator('#connection', { hasText: 'connection lost' }).waitFor()
    await served.program.ended
    await serve(['--port', new URL(served.origin).port], { cwd })
    await page.locator('#connection', { hasText: 'the server has ended' }).waitFor()
  })

  it('looks its part in the dark, and fits on a small screen', async () => {
    const cwd = temporaryDirectory()
    await runProgram(['run', '--', 'true', ':::', 'a', 'b'], { cwd })
    const { page } = await openLive(await serve([], { cwd }), { viewport: { width: 380, height: 700 } })
    await untilCount(page, 'DONE', 2)
    const look = (): Promise<readonly number[]> =>
      page.evaluate(() => {
        const [red = 0, green = 0, blue = 0] =
          getComputedStyle(document.body).backgroundColor.match(/\d+/g) ?? []
        return [Number(red) + Number(green) + Number(blue), document.documentElement.scrollWidth]
      })
    const [light = 0, width] = await look()
    await page.emulateMedia({ colorScheme: 'dark' })
    const [dark = 0] = await look()
    expect([light > 600, dark < 150, width]).toEqual([true, true, 380])
  })

  it('scrolls over 100,000 cells while they change', async () => {
    const cwd = temporaryDirectory()
    const run = ['run', '-j', '2', '--progress', 'none', '--array', '0-99999']
    await runProgram([...run, '--halt', 'soon,done=20', '--', 'true'], { cwd })
    const served = await serve([], { cwd })
    const { page, faults } = await openLive(served)
    await page.locator('.chip', { hasText: /^OPEN 99\u202f9\d\d$/ }).waitFor({ timeout: 60_000 })
    startProgram([...run, '--', 'true'], { cwd })
    await page.locator('.chip', { hasText: /^RUNNING [12]$/ }).waitFor()
    await page.locator('#cell', { hasText: '100\u202f000 tasks' }).waitFor()
    const frames = await page.evaluate(measureScrolling)
    const sorted = [...frames.intervalsMs].sort((one, other) => one - other)
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0
    process.stdout.write(
      `100,000 cells: ${sorted.length} frames, median ${at(0.5).toFixed(1)} ms, 95 % ${at(0.95).toFixed(1)} ms, longest ${at(1).toFixed(1)} ms; ${frames.height} px scrolled\n`,
    )
    expect(frames.height).toBeGreaterThan(2000)
    // Each frame shows other cells; how fast is the machine's business, but it has to be seen as one motion.
    expect(at(0.5)).toBeLessThan(200)
    await page.locator('#grid').focus()
    await page.keyboard.press('End')
    await page.locator('#cell', { hasText: 'task_100000: OPEN' }).waitFor()
    await page.locator('#filter').fill('task_0777')
    await page.locator('#cell', { hasText: '100 of 100\u202f000 tasks' }).waitFor()
    expect(faults).toEqual([])
  })
})

/** Runs in a page of another origin: tries all that such a page can do, and says what it got. */
async function attack(origin: string): Promise<Readonly<Record<string, string>>> {
  const address = `${origin}/api/log?task=a&file=stdout`
  const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'other')
  const fetched = await fetch(address, { credentials: 'include' }).then((answer) => answer.text(), nameOf)
  const posted = await fetch(`${origin}/api/retry`, {
    method: 'POST',
    credentials: 'include',
    headers: { 'x-mpibatch-action': '1' },
    body: '{"tasks":[]}',
  }).then((answer) => answer.text(), nameOf)
  const opaque = await fetch(address, { credentials: 'include', mode: 'no-cors' }).then(
    (answer) => answer.text(),
    () => '',
  )
  const script = await new Promise<string>((resolve) => {
    const made = document.createElement('script')
    made.src = `${origin}/api/names`
    made.onload = () => resolve('loaded')
    made.onerror = () => resolve('error')
    document.head.append(made)
  })
  const events = await new Promise<string>((resolve) => {
    const source = new EventSource(`${origin}/api/events`, { withCredentials: true })
    source.onmessage = () => resolve('message')
    source.onerror = () => {
      source.close()
      resolve('error')
    }
  })
  const framed = await new Promise<string>((resolve) => {
    const frame = document.createElement('iframe')
    frame.onload = () => {
      try {
        resolve(frame.contentDocument?.body.textContent ?? 'nothing')
      } catch {
        resolve('nothing')
      }
    }
    frame.src = `${origin}/`
    document.body.append(frame)
  })
  return { fetched, posted, opaque, script, events, framed }
}

/** Runs in the page: scrolls over the whole grid within two seconds, and measures the frames of the screen. */
function measureScrolling(): Promise<{ readonly intervalsMs: readonly number[]; readonly height: number }> {
  const grid = document.getElementById('grid')
  if (grid === null) throw new Error('There is no grid.')
  const height = grid.scrollHeight - grid.clientHeight
  const intervalsMs: number[] = []
  return new Promise((resolve) => {
    const startMs = performance.now()
    let lastMs = startMs
    const step = (): void => {
      const nowMs = performance.now()
      intervalsMs.push(nowMs - lastMs)
      lastMs = nowMs
      grid.scrollTop = (height * (nowMs - startMs)) / 2000
      if (nowMs - startMs < 2000) requestAnimationFrame(step)
      else resolve({ intervalsMs: intervalsMs.slice(1), height })
    }
    requestAnimationFrame(step)
  })
}
