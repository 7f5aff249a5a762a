/**
 * Makes docs/live-page.png: the live page of a run that is at work, as Chromium shows it. Needs Debian's package chromium,
 * and that the packages are built: `npm run build && node scripts/live-picture.mjs`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { PROGRAM, takePicture } from './picture.mjs'

/** Says what it does, and fails now and then. */
const SIMULATION = `
const sample = Number(process.argv[2])
const steps = 200 + ((sample * 7919) % 700)
for (let step = 0; step < steps; step += 100)
  console.log(\`sample \${sample}, step \${step}: residual \${(0.5 ** (step / 100)).toExponential(2)}\`)
await new Promise((done) => setTimeout(done, steps))
if (sample % 61 === 17) {
  console.error(\`sample \${sample}: no convergence after \${steps} steps\`)
  process.exit(1)
}
`

const folder = mkdtempSync(join(tmpdir(), 'mpibatch-picture-'))
const programs = []
const start = (...words) => {
  const program = spawn(process.execPath, [PROGRAM, ...words], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  programs.push(program)
  return program
}
try {
  writeFileSync(join(folder, 'simulate.mjs'), SIMULATION)
  const tasks = ['--array', '0-1199', '--', 'node', 'simulate.mjs', '{}']
  start('run', '--root', 'samples', '-j', '8', '--progress', 'none', ...tasks)
  while (!existsSync(join(folder, 'samples/.mpibatch/manifest'))) await pause(50)
  const server = start('serve', 'samples')
  const [link] = await once(server.stdout, 'data')
  await takePicture({
    file: 'docs/live-page.png',
    address: String(link).trim(),
    look: { viewport: { width: 1280, height: 860 }, colorScheme: 'dark' },
    makeReady: showFailure,
  })
} finally {
  for (const program of programs) program.kill('SIGKILL')
  await Promise.all(
    programs.map((program) => program.exitCode ?? program.signalCode ?? once(program, 'exit')),
  )
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

async function showFailure(page) {
  // By the third failure there is something to see.
  const failure = page.locator('#failures tbody tr:nth-child(3) .link')
  await failure.waitFor({ timeout: 180_000 })
  await page.locator('#failures .link').first().click()
  await page.locator('.log', { hasText: 'no convergence' }).waitFor()
  await page.locator('.answer', { hasText: 'Next:' }).waitFor()
  await page.evaluate(() => scrollTo(0, 0))
}
