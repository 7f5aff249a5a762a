/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'

/** The browser: Debian's Chromium, or what `MPIBATCH_BROWSER` names. */
const BROWSER = process.env.MPIBATCH_BROWSER ?? '/usr/bin/chromium'
const isThere = existsSync(BROWSER)

if (!isThere && process.env.MPIBATCH_REQUIRE_BROWSER === '1')
  throw new Error(`There is no ${BROWSER}, and MPIBATCH_REQUIRE_BROWSER=1 asks for one (Debian: chromium).`)

/** For the names of suites that are skipped without a browser. */
export const BROWSER_NOTE: string = isThere ? '' : ` (skipped: there is no ${BROWSER})`
/** Whether suites that need a browser are to be skipped. */
export const withoutBrowser: boolean = !isThere

/** Starts a browser that is closed when the test is over. */
export async function startBrowser(): Promise<Browser> {
  // The sandbox refuses to work for root, and what is shown here is our own.
  const browser = await chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox'] })
  onTestFinished(() => browser.close())
  return browser
}

/** A page, and what went wrong in it. */
export interface WatchedPage {
  readonly page: Page
  /** Errors on the console, exceptions, and requests that failed. */
  readonly faults: readonly string[]
  /** Addresses of all requests. */
  readonly requests: readonly string[]
}

/** Opens a page in a session of its own, as large as a usual screen. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 1000 }, ...options })
  const page = await context.newPage()
  const faults: string[] = []
  const requests: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text())
  })
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('requestfailed', (request) => faults.push(`${request.url()}: ${request.failure()?.errorText}`))
  page.on('request', (request) => requests.push(request.url()))
  return { page, faults, requests }
}
