/**
 * Records a real run in a terminal as a picture that moves: docs/recording.svg. Needs `script` and `stty` of Debian, and a
 * build. Nothing is staged but the task, a small program that sleeps, and the Ctrl-C.
 */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const repository = join(import.meta.dirname, '..')
const COLUMNS = 104
const ROWS = 12
const PROMPT = '$ '
/** Seconds: between two letters, before and after a command, the last picture. */
const [TYPE_S, THINK_S, READ_S, HOLD_S] = [0.03, 0.4, 1.2, 5]
/** Pictures that follow each other more closely are one. */
const FRAME_S = 0.08

const SIMULATE = `#!/bin/sh
sleep 0.$(( ($1 * 7 + $2 * 3) % 4 + 1 ))
if [ $1 -eq 7 ] && [ $2 -eq 3 ]; then echo "beta out of range" >&2; exit 3; fi
`
const RUN = 'mpibatch run -j 4 --csv parameters.csv -- ./simulate {beta} {gamma}'
const STEPS = [
  { line: RUN, interruptAfterS: 2.2 },
  { line: `${RUN}   # goes on` },
  { line: 'mpibatch list --state failed' },
]

const place = mkdtempSync(join(tmpdir(), 'mpibatch-recording-'))
try {
  prepare()
  const screen = new Map([[0, '']])
  const frames = []
  let atS = 0
  let row = 0
  let column = 0
  const put = (text) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a terminal obeys
    for (const part of text.matchAll(/\u001b\[[0-9;?]*([A-Za-z])|\r|\n|[^\u001b\r\n]+/g)) {
      const [piece, control] = part
      const line = screen.get(row) ?? ''
      if (piece === '\n') row += 1
      else if (piece === '\r') column = 0
      else if (control === 'K') screen.set(row, line.slice(0, column))
      else if (control === undefined) {
        screen.set(row, line.slice(0, column).padEnd(column) + piece + line.slice(column + piece.length))
        column += piece.length
      }
      if (piece === '\n') column = 0
    }
    const first = Math.max(0, row - ROWS + 1)
    const lines = Array.from({ length: ROWS }, (_, index) =>
      (screen.get(first + index) ?? '').slice(0, COLUMNS),
    )
    if (frames.length > 0 && atS - frames.at(-1).atS < FRAME_S) frames.at(-1).lines = lines
    else frames.push({ atS, lines })
  }
  for (const step of STEPS) {
    put(PROMPT)
    atS += THINK_S
    for (const letter of step.line) {
      put(letter)
      atS += TYPE_S
    }
    put('\n')
    const startS = atS
    for (const { seconds, text } of await record(step)) {
      atS = startS + seconds
      put(text)
    }
    atS += READ_S
  }
  writeFileSync(join(repository, 'docs/recording.svg'), draw(frames, atS + HOLD_S))
} finally {
  rmSync(place, { recursive: true })
}

function prepare() {
  const rows = Array.from({ length: 48 }, (_, index) => `${Math.floor(index / 6) + 1},${(index % 6) + 1}`)
  writeFileSync(join(place, 'parameters.csv'), `beta,gamma\n${rows.join('\n')}\n`)
  writeFileSync(join(place, 'simulate'), SIMULATE)
  mkdirSync(join(place, 'bin'))
  const program = `#!/bin/sh\nexec ${process.execPath} ${join(repository, 'packages/cli/bin/mpibatch.mjs')} "$@"\n`
  writeFileSync(join(place, 'bin/mpibatch'), program)
  for (const name of ['simulate', 'bin/mpibatch']) chmodSync(join(place, name), 0o755)
}

/** Runs a line in a terminal; what it printed, piece by piece, with its time. */
async function record({ line, interruptAfterS }) {
  const words = `stty cols ${COLUMNS} rows ${ROWS} -echo; exec ${line.replace(/ +#.*/, '')}`
  const files = ['--log-out', join(place, 'out'), '--log-timing', join(place, 'timing')]
  const child = spawn('script', ['-q', '-e', ...files, '-c', words], {
    cwd: place,
    env: {
      ...process.env,
      PATH: `${join(place, 'bin')}:${process.env.PATH}`,
      TERM: 'xterm',
      SHELL: '/bin/sh',
    },
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  if (interruptAfterS !== undefined) {
    await pause(interruptAfterS * 1000)
    // What a terminal makes of Ctrl-C.
    child.stdin.write('\u0003')
  }
  await new Promise((done) => child.on('close', done))
  const bytes = readFileSync(join(place, 'out'))
  let position = bytes.indexOf('\n') + 1
  let seconds = 0
  const pieces = []
  for (const entry of readFileSync(join(place, 'timing'), 'utf8').trim().split('\n')) {
    const [, delay, size] = /^(?:O )?([\d.]+) (\d+)$/.exec(entry) ?? []
    if (size === undefined) continue
    seconds += Number(delay)
    pieces.push({ seconds, text: bytes.toString('utf8', position, position + Number(size)) })
    position += Number(size)
  }
  return pieces
}

/** A line is drawn once for as long as it stands in its row. */
function draw(frames, endS) {
  const [width, height] = [COLUMNS * 8.4 + 32, ROWS * 18 + 32]
  const spans = []
  for (let row = 0; row < ROWS; row += 1) {
    for (let index = 0; index < frames.length; ) {
      const text = frames[index].lines[row]
      let next = index + 1
      while (next < frames.length && frames[next].lines[row] === text) next += 1
      if (text.trim() !== '')
        spans.push({
          row,
          text,
          fromS: frames[index].atS,
          toS: next < frames.length ? frames[next].atS : endS,
        })
      index = next
    }
  }
  const part = (seconds) => (seconds / endS).toFixed(5)
  const line = ({ row, text, fromS, toS }) => {
    const isPrompt = text.startsWith(PROMPT)
    const color = isPrompt ? '#e6edf3' : '#b6c2cf'
    const times = fromS === 0 ? `0;${part(toS)}` : `0;${part(fromS)};${part(toS)}`
    const values = fromS === 0 ? 'inline;none' : 'none;inline;none'
    const last = toS === endS ? [times.replace(/;[^;]*$/, ''), values.replace(/;none$/, '')] : [times, values]
    return `<text x="16" y="${row * 18 + 30}" fill="${color}" display="${toS === endS ? 'inline' : 'none'}">${escapeText(text)}<animate attributeName="display" dur="${endS.toFixed(2)}s" repeatCount="indefinite" calcMode="discrete" keyTimes="${last[0]}" values="${last[1]}"/></text>`
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="A run of 48 tasks is interrupted, goes on, and says which task has failed">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14">
<style>text { white-space: pre }</style>
${spans.map(line).join('\n')}
</g>
</svg>
`
}

function escapeText(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
