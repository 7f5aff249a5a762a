import type {
  EfficiencyRow,
  FailureGroup,
  JobRow,
  LogLinks,
  NamedAttempt,
  TimeShares,
} from '#src/report/report-data'
import { durationText } from './duration-text.ts'
import { type Child, element } from './elements.ts'

/** Parts of a worker's time, as they stand in a bar from left to right. */
export const SHARES: readonly {
  readonly key: keyof TimeShares
  readonly colour: string
  readonly word: string
}[] = [
  { key: 'busyMs', colour: '--state-done', word: 'busy' },
  { key: 'claimMs', colour: '--idle-claim', word: 'getting the next task' },
  { key: 'startMs', colour: '--idle-start', word: 'before the first task' },
  { key: 'waitMs', colour: '--idle-wait', word: 'longer pauses' },
  { key: 'lastMs', colour: '--idle-last', word: 'waiting for the last task of the job' },
]

/** A column: its title, its cell for a row, and whether it holds numbers. */
interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => Child
  readonly isNumber?: boolean
}

function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): HTMLElement {
  const head = columns.map(({ title, isNumber }) =>
    element('th', { scope: 'col', class: isNumber === true ? 'number' : undefined }, title),
  )
  const body = rows.map((row) =>
    element(
      'tr',
      {},
      ...columns.map(({ cell, isNumber }) =>
        element('td', { class: isNumber === true ? 'number' : undefined }, cell(row)),
      ),
    ),
  )
  return element(
    'div',
    { class: 'table-frame' },
    element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...body)),
  )
}

/** A number with its thousands apart. */
export function countText(count: number): string {
  return count.toLocaleString('en')
}

/** `97 %`, and `less than 1 %` for what is not nothing. */
export function shareText(share: number): string {
  if (share > 0 && share < 0.01) return '< 1 %'
  return `${share > 0.99 && share < 1 ? '> 99' : Math.round(share * 100)} %`
}

/** A task's name, and links to its logs. */
function taskCell(task: string, { stdout, stderr }: LogLinks): Child {
  const links = [
    ['stdout', stdout],
    ['stderr', stderr],
  ].flatMap(([word, href]) =>
    href === undefined ? [] : [' ', element('a', { href, class: 'log' }, word ?? '')],
  )
  return element('span', {}, element('span', { class: 'mono' }, task), ...links)
}

/** Failures by reason and message. */
export function failureTable(failures: readonly FailureGroup[]): HTMLElement {
  return table(failures, [
    { title: 'Ended by', cell: ({ reason }) => reason },
    { title: 'Message', cell: ({ shape }) => element('span', { class: 'mono' }, shape) },
    { title: 'Attempts', isNumber: true, cell: ({ attemptCount }) => countText(attemptCount) },
    { title: 'Tasks failed', isNumber: true, cell: ({ failedTaskCount }) => countText(failedTaskCount) },
    {
      title: 'For example',
      cell: ({ task, logs, message, shape }) =>
        element(
          'span',
          {},
          taskCell(task, logs),
          ...(message === shape ? [] : [element('div', { class: 'muted' }, message)]),
        ),
    },
  ])
}

/** Attempts by name. */
export function attemptTable(attempts: readonly NamedAttempt[], medianMs: number | undefined): HTMLElement {
  const columns: Column<NamedAttempt>[] = [
    { title: 'Task', cell: ({ task, logs }) => taskCell(task, logs) },
    { title: 'Attempt', isNumber: true, cell: ({ attempt }) => (attempt === null ? '' : String(attempt)) },
    { title: 'Ended by', cell: ({ ending }) => ending.text },
    {
      title: 'Took',
      isNumber: true,
      cell: ({ durationMs }) => (durationMs === null ? 'unknown' : durationText(durationMs)),
    },
    { title: 'Worker', cell: ({ worker }) => worker },
    { title: 'Started', cell: ({ startedAtMs }) => new Date(startedAtMs).toLocaleString() },
  ]
  if (medianMs !== undefined && medianMs > 0) {
    columns.splice(4, 0, {
      title: '× median',
      isNumber: true,
      cell: ({ durationMs }) => (durationMs === null ? '' : (durationMs / medianMs).toFixed(1)),
    })
  }
  return table(attempts, columns)
}

/** Jobs, one row each. */
export function jobTable(jobs: readonly JobRow[]): HTMLElement {
  return table(jobs, [
    { title: 'Job', cell: ({ label }) => element('span', { class: 'nowrap' }, label) },
    {
      title: 'Started',
      cell: ({ fromMs }) => element('span', { class: 'nowrap' }, new Date(fromMs).toLocaleString()),
    },
    { title: 'Took', isNumber: true, cell: ({ fromMs, toMs }) => durationText(toMs - fromMs) },
    { title: 'Hosts', cell: ({ hosts }) => hostText(hosts) },
    { title: 'Workers', isNumber: true, cell: ({ workerCount }) => countText(workerCount) },
    { title: 'Attempts', isNumber: true, cell: ({ attemptCount }) => countText(attemptCount) },
    { title: 'Command', cell: ({ command }) => element('span', { class: 'mono' }, command) },
  ])
}

function hostText(hosts: readonly string[]): string {
  const named = hosts.filter((host) => host !== '')
  return named.length <= 3 ? named.join(', ') : `${named.slice(0, 3).join(', ')} and ${named.length - 3} more`
}

/** Where the time of workers went: a bar each. */
export function efficiencyTable(rows: readonly EfficiencyRow[]): HTMLElement {
  return table(rows, [
    { title: '', cell: ({ label }) => element('span', { class: 'nowrap' }, label) },
    { title: 'Attempts', isNumber: true, cell: ({ attemptCount }) => countText(attemptCount) },
    { title: 'Busy', isNumber: true, cell: (row) => shareText(row.busyMs / wholeOf(row)) },
    { title: 'Idle', isNumber: true, cell: (row) => durationText(wholeOf(row) - row.busyMs) },
    { title: 'Time', cell: shareBar },
  ])
}

/** All of the time that was split, milliseconds; never 0. */
export function wholeOf(row: TimeShares): number {
  return SHARES.reduce((sum, { key }) => sum + row[key], 0) || 1
}

function shareBar(row: TimeShares): HTMLElement {
  const whole = wholeOf(row)
  const parts = SHARES.filter(({ key }) => row[key] > 0).map(({ key, colour, word }) => {
    const text = `${word}: ${durationText(row[key])}, ${shareText(row[key] / whole)}`
    return colouredPart(colour, row[key] / whole, text)
  })
  return element('div', { class: 'share-bar' }, ...parts)
}

/** A part of a bar. */
export function colouredPart(colour: string, share: number, text: string): HTMLElement {
  const part = element('span', { title: text, role: 'img', 'aria-label': text })
  part.style.setProperty('background', `var(${colour})`)
  part.style.setProperty('flex-grow', String(share))
  return part
}

/** A square in a colour, and what it stands for. */
export function legendItem(colour: string, ...words: readonly Child[]): HTMLElement {
  const square = element('span', { class: 'square', 'aria-hidden': 'true' })
  square.style.setProperty('background', `var(${colour})`)
  return element('span', { class: 'legend-item' }, square, ...words)
}
