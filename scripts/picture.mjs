/** What the scripts share that make pictures of pages for the documentation. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const PROJECT = join(import.meta.dirname, '..')
/** The program whose pages are shown. */
export const PROGRAM = join(PROJECT, 'packages/cli/bin/mpibatch.mjs')
const SIZE_MAX = 200_000

/**
 * Opens a page in Debian's Chromium, and writes a picture of it: to the file that the script's argument names, or to this
 * one. Fails if it is too large for a repository.
 *
 * @param look - The page's `viewport` and `colorScheme`.
 * @param makeReady - Brings the page to where it is to be seen.
 */
export async function takePicture({ file, address, look, makeReady }) {
  const path = join(PROJECT, process.argv[2] ?? file)
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage(look)
    await page.goto(address)
    await makeReady(page)
    await page.screenshot({ path })
  } finally {
    await browser.close()
  }
  const { size } = statSync(path)
  if (size > SIZE_MAX) throw new Error(`${path} has ${size} bytes, more than ${SIZE_MAX}`)
}
