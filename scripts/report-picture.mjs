/**
 * Makes docs/report.png: the report of a real run, as Chromium shows it. Needs Debian's package chromium, and that the
 * packages are built: `npm run build && node scripts/report-picture.mjs`.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PROGRAM, takePicture } from './picture.mjs'

/** Uneven lengths, some failures that a second try mends, and some that it doesn't. */
const SIMULATION = `
import { setTimeout } from 'node:timers/promises'
const sample = Number(process.argv[2])
const steps = (sample * 7919) % 1000
await setTimeout(60 + 900 * (steps / 1000) ** 3 + (sample > 225 && sample % 5 === 0 ? 1800 : 0))
if (sample % 31 === 4) {
  console.error(\`sample \${sample}: no convergence after \${steps} steps\`)
  process.exit(1)
}
if (sample % 13 === 5 && process.env.MPIBATCH_ATTEMPT === '1') {
  console.error(\`licence server at 10.0.0.\${steps % 250} is busy\`)
  process.exit(75)
}
`

const folder = mkdtempSync(join(tmpdir(), 'mpibatch-picture-'))
try {
  writeFileSync(join(folder, 'simulate.mjs'), SIMULATION)
  const run = (...words) =>
    spawnSync(process.execPath, [PROGRAM, ...words], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  run(
    ...[
      'run',
      '--root',
      'samples',
      '-j',
      '8',
      '--retries',
      '1',
      '--retry-delay',
      '300ms',
      '--progress',
      'none',
    ],
    ...['--array', '0-239', '--', 'node', 'simulate.mjs', '{}'],
  )
  run('report', 'samples')
  await takePicture({
    file: 'docs/report.png',
    address: pathToFileURL(join(folder, 'mpibatch-report.html')).href,
    look: { viewport: { width: 1120, height: 1180 }, colorScheme: 'light' },
    makeReady: (page) => page.locator('.timeline canvas').waitFor(),
  })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
