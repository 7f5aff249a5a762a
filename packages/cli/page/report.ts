/** The page of a report: draws what `mpibatch report` has worked out. */

import type { EndingKind, ReportData } from '#src/report/report-data'
import { drawDurations } from './duration-chart.ts'
import { durationText } from './duration-text.ts'
import { byId, type Child, element } from './elements.ts'
import { printable } from './printable.ts'
import {
  attemptTable,
  colouredPart,
  countText,
  efficiencyTable,
  failureTable,
  jobTable,
  legendItem,
  SHARES,
  shareText,
  wholeOf,
} from './report-tables.ts'
import { drawTimeline } from './timeline.ts'
import { ENDING_COLOURS, ENDING_WORDS } from './timeline-bars.ts'

const KINDS = Object.keys(ENDING_COLOURS) as EndingKind[]
const STATES = [
  ['DONE', '--state-done'],
  ['FAILED', '--state-failed'],
  ['RUNNING', '--state-running'],
  ['INVALID', '--state-invalid'],
  ['OPEN', '--state-open'],
] as const

function showReport(data: ReportData): void {
  document.title = `${lastName(data.root)}: report of mpibatch`
  const place = byId('report')
  place.replaceChildren(head(data))
  if (data.advice.length > 0) place.append(advicePanel(data))
  if (data.attemptCount === 0) {
    place.append(panel('Attempts', 'No attempt is on record in this root.'))
  } else {
    place.append(timelinePanel(data), durationPanel(data))
    if (data.failures.length > 0) place.append(failurePanel(data))
    place.append(efficiencyPanel(data), slowestPanel(data), wastePanel(data))
    place.append(
      panel('Jobs', 'Instances that worked together, in the order of their starts.', jobTable(data.jobs)),
    )
  }
  const written = new Date(data.writtenAtMs).toLocaleString()
  place.append(element('footer', { class: 'muted' }, `Written by ${data.program} on ${written}.`))
}

function lastName(path: string): string {
  return path.replace(/\/+$/, '').split('/').at(-1) ?? path
}

function panel(title: string, lead: Child, ...children: readonly Child[]): HTMLElement {
  return element(
    'section',
    { class: 'panel' },
    element('h2', {}, title),
    element('p', { class: 'lead' }, lead),
    ...children,
  )
}

function head(data: ReportData): HTMLElement {
  const { counts, taskCount, efficiency, jobs } = data
  const command = jobs.at(-1)?.command ?? ''
  const states = STATES.filter(([state]) => counts[state] > 0)
  const bar = element(
    'div',
    { class: 'share-bar state-bar' },
    ...states.map(([state, colour]) =>
      colouredPart(colour, counts[state] / taskCount, `${countText(counts[state])} ${state}`),
    ),
  )
  const legend = states.map(([state, colour]) => legendItem(colour, `${countText(counts[state])} ${state}`))
  const facts: readonly (readonly [string, string])[] = [
    ['Tasks', countText(taskCount)],
    ['Attempts', countText(data.attemptCount)],
    [jobs.length > 1 ? `Time at work, ${jobs.length} jobs` : 'Time at work', durationText(data.wallMs)],
    ['Time in tasks', durationText(data.busyMs)],
    ['Workers busy', data.attemptCount === 0 ? '–' : shareText(efficiency.busyMs / wholeOf(efficiency))],
    ['Exit code', String(data.checkExitCode)],
  ]
  return element(
    'header',
    {},
    element('h1', {}, lastName(data.root)),
    element('p', { class: 'command mono' }, data.root),
    ...(command === '' ? [] : [element('p', { class: 'command mono' }, command)]),
    element('p', { class: 'verdict' }, data.verdict),
    ...(taskCount > 0 ? [bar, element('p', { class: 'legend' }, ...legend)] : []),
    element(
      'dl',
      { class: 'facts' },
      ...facts.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))),
    ),
  )
}

function advicePanel({ advice }: ReportData): HTMLElement {
  const items = advice.map(({ title, text }) =>
    element('li', {}, element('strong', {}, title), element('div', {}, text)),
  )
  return element(
    'section',
    { class: 'panel advice' },
    element('h2', {}, 'Advice'),
    element('ul', {}, ...items),
  )
}

function timelinePanel(data: ReportData): HTMLElement {
  const { timeline, wasted, jobs } = data
  const all = element('button', { type: 'button' }, 'Show all')
  const place = element('div', { class: 'chart timeline' })
  const kinds = KINDS.filter((kind) => wasted.counts[kind] > 0)
  const legend = kinds.map((kind) =>
    legendItem(ENDING_COLOURS[kind], `${ENDING_WORDS[kind]} (${countText(wasted.counts[kind])})`),
  )
  const controls = element('div', { class: 'controls screen-only' })
  const shown = panel(
    'Timeline',
    timelineLead(data),
    element('p', { class: 'legend' }, ...legend),
    controls,
    place,
  )
  queueMicrotask(() => {
    // The chart asks for the width of its place, so it waits until that is on the page.
    const drawn = drawTimeline(place, timeline)
    all.addEventListener('click', () => drawn.zoom())
    controls.append(all)
    if (jobs.length < 2) return
    const select = element(
      'select',
      { 'aria-label': 'Job to show' },
      element('option', { value: '' }, `All ${jobs.length} jobs`),
      ...jobs.map(({ label, fromMs }, job) =>
        element('option', { value: String(job) }, `${label}: ${new Date(fromMs).toLocaleString()}`),
      ),
    )
    select.addEventListener('change', () => drawn.zoom(jobs[select.value === '' ? -1 : Number(select.value)]))
    controls.append(select)
  })
  return shown
}

function timelineLead({ timeline: { shownCount, totalCount, workers } }: ReportData): string {
  const rows = `A row for each of ${countText(workers.length)} workers, a bar for each attempt.`
  const sample =
    shownCount === totalCount
      ? ''
      : ` Of ${countText(totalCount)} attempts, ${countText(shownCount)} are drawn, chosen evenly, failures before others; ` +
        `all figures are of all attempts.`
  return `${rows}${sample} Drag to zoom, double-click to see all.`
}

function durationPanel({ distribution }: ReportData): HTMLElement {
  if (distribution === null) return panel('Durations', 'No attempt has ended yet.')
  const { minMs, medianMs, p95Ms, maxMs, isLogarithmic } = distribution
  const place = element('div', { class: 'chart' })
  queueMicrotask(() => drawDurations(place, distribution))
  const text =
    `The shortest attempt took ${durationText(minMs)}, half of them less than ${durationText(medianMs)}, 95 % up to ` +
    `${durationText(p95Ms)}, the longest ${durationText(maxMs)}.${isLogarithmic ? ' The scale is logarithmic.' : ''}`
  const legend = [legendItem('--state-done', 'done')]
  if (distribution.otherCounts.some((count) => count > 0)) legend.push(legendItem('--state-failed', 'failed'))
  return panel('Durations', text, element('p', { class: 'legend' }, ...legend), place)
}

function failurePanel({ failures, failureGroupCount }: ReportData): HTMLElement {
  const more =
    failureGroupCount > failures.length
      ? ` The ${failures.length} most frequent of ${countText(failureGroupCount)} are shown.`
      : ''
  const lead = `Failed attempts whose messages differ in numbers and names only are one line.${more}`
  return panel('Failures', lead, failureTable(failures))
}

function efficiencyPanel({ efficiency, workers, jobs, timeline }: ReportData): HTMLElement {
  const whole = wholeOf(efficiency)
  const legend = SHARES.map(({ key, colour, word }) =>
    legendItem(colour, `${word} ${shareText(efficiency[key] / whole)}`),
  )
  const few = workers.length < timeline.workers.length
  const lead = few
    ? `Of ${countText(timeline.workers.length)} workers, the ${workers.length} that were least busy are shown.`
    : 'From the start of a job until its last task had ended.'
  const rows = [efficiency, ...(jobs.length > 1 ? jobs : []), ...workers]
  return panel(
    'Where the time of workers went',
    lead,
    element('p', { class: 'legend' }, ...legend),
    efficiencyTable(rows),
  )
}

function slowestPanel({ slowest, distribution }: ReportData): HTMLElement {
  const lead = `The ${slowest.length === 1 ? 'longest attempt' : `${slowest.length} longest attempts`}.`
  return panel('Slowest tasks', lead, attemptTable(slowest, distribution?.medianMs))
}

function wastePanel({ wasted, busyMs }: ReportData): HTMLElement {
  const { counts, repeatedTaskCount, wastedMs, losses } = wasted
  const parts = KINDS.filter((kind) => kind !== 'done' && kind !== 'running' && counts[kind] > 0).map(
    (kind) => `${countText(counts[kind])} ${ENDING_WORDS[kind]}`,
  )
  if (parts.length === 0) return panel('Retries and losses', 'Every attempt gave a result.')
  const share = shareText(wastedMs / Math.max(busyMs, 1))
  const repeated =
    repeatedTaskCount === 0
      ? ''
      : ` ${countText(repeatedTaskCount)} ${repeatedTaskCount === 1 ? 'task was' : 'tasks were'} started more than once.`
  const lead =
    `Attempts without a result: ${parts.join(', ')}. They took ${durationText(wastedMs)}, ${share} of the time in tasks.` +
    repeated
  const table = losses.length === 0 ? [] : [attemptTable(losses, undefined)]
  return panel('Retries and losses', lead, ...table)
}

/** Reads the data; what would not be seen in a text, or turn its direction round, is made visible. */
function readData(): ReportData {
  const text = byId('data').textContent ?? ''
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === 'string' && /[\p{Cc}\p{Cf}]/u.test(value) ? printable(value) : value,
  ) as ReportData
}

showReport(readData())
