/** Progress and the lists below the grid, from the figures that the server sends. */
import type { LiveStatus } from '#src/serve/root-follower'
import { durationText } from './duration-text.ts'
import { byId, type Child, element } from './elements.ts'
import { CODE_NAMES } from './live-tasks.ts'
import { printable } from './printable.ts'

/** States in the order of the bar: what has ended comes first. */
const BAR_ORDER = ['DONE', 'FAILED', 'LOST', 'INVALID', 'RUNNING', 'OPEN', 'UNREAD'] as const
/** Rows of the list of instances that have ended. */
const ENDED_MAX = 8

/** Shows the figures. @param counts - Number of tasks of each code. @param choose - Opens a task by its name. */
export function showFigures(
  status: LiveStatus,
  counts: readonly number[],
  choose: (name: string) => void,
): void {
  const { tasks, done, failed, fault } = status
  const total = counts.reduce((sum, count) => sum + count, 0)
  const percent = total === 0 ? 0 : Math.floor((100 * (done + failed)) / total)
  const running = counts[CODE_NAMES.indexOf('RUNNING')] ?? 0
  const lost = counts[CODE_NAMES.indexOf('LOST')] ?? 0
  document.title = `${percent} % · ${status.root}`
  showBar(counts, total)
  byId('figures').replaceChildren(
    ...[
      figure('ended', `${percent} %`, `${number(done + failed)} of ${number(total)}`),
      figure(
        'rate',
        status.ratePerSecond === 0 ? '–' : `${rateText(status.ratePerSecond)}/s`,
        'tasks, over the last minute',
      ),
      ...timeLeft(status),
      figure('running', number(running), running === 1 ? 'task' : 'tasks'),
      figure('failed', number(failed), failed === 1 ? 'task' : 'tasks'),
      ...(lost === 0 ? [] : [figure('lost', number(lost), 'their owner is dead; a run takes them over')]),
    ],
  )
  byId('advice').textContent =
    tasks < total ? `Reading the root: ${number(tasks)} of ${number(total)} tasks …` : adviceFor(status)
  const faultPlace = byId('fault')
  faultPlace.hidden = fault === null
  faultPlace.textContent = fault === null ? '' : `${printable(fault)} What is shown is what was seen last.`
  showLists(status, choose)
  refreshAges()
}

/** A count as people read it. */
export function number(count: number): string {
  return count.toLocaleString('en').replaceAll(',', '\u202f')
}

function rateText(rate: number): string {
  return rate >= 100 ? number(Math.round(rate)) : String(Number(rate.toPrecision(3)))
}

function figure(title: string, value: string, note: string): HTMLElement {
  return element(
    'div',
    {},
    element('dt', {}, title),
    element('dd', {}, element('strong', {}, value), ' ', element('span', { class: 'muted' }, note)),
  )
}

function timeLeft({ secondsLeft, open, running }: LiveStatus): readonly HTMLElement[] {
  if (open + running === 0) return []
  if (secondsLeft === null) return [figure('time left', '–', 'not known')]
  const end = new Date(Date.now() + secondsLeft * 1000)
  const isToday = end.toDateString() === new Date().toDateString()
  const time = { hour: '2-digit', minute: '2-digit' } as const
  const at = isToday
    ? end.toLocaleTimeString([], time)
    : end.toLocaleString([], { ...time, day: 'numeric', month: 'short' })
  return [figure('time left', durationText(secondsLeft * 1000), `until about ${at}`)]
}

function adviceFor({ open, running, failed, invalid, instances }: LiveStatus): string {
  if (open + running > 0 && instances.length === 0)
    return 'No instance is at work. Run the same line again to go on.'
  if (open + running > 0) return ''
  if (invalid > 0) return 'Some tasks have state files that can’t be understood; choose one to see why.'
  return failed > 0
    ? 'All tasks have ended, some of them FAILED. Choose one to see why.'
    : 'All tasks are DONE.'
}

function showBar(counts: readonly number[], total: number): void {
  const bar = byId('bar')
  const parts: HTMLElement[] = []
  const words: string[] = []
  for (const name of BAR_ORDER) {
    const count = counts[CODE_NAMES.indexOf(name)] ?? 0
    if (count === 0) continue
    const part = element('span', { class: `state-${name.toLowerCase()}` })
    part.style.flexGrow = String(count)
    parts.push(part)
    words.push(`${count} ${name}`)
  }
  bar.replaceChildren(...parts)
  bar.setAttribute('aria-label', total === 0 ? 'no tasks' : words.join(', '))
}

function showLists(status: LiveStatus, choose: (name: string) => void): void {
  const { runningTasks, moreRunning, lastFailures, instances, endedInstances } = status
  replaceTable(
    'running',
    ['Task', 'On', 'Since'],
    [
      ...runningTasks.map((task) => [
        taskLink(task.name, choose),
        `${printable(task.host ?? '–')}${task.ownerAlive ? '' : ' (dead)'}`,
        task.since === null ? '–' : sinceElement(task.since),
      ]),
      ...(moreRunning > 0 ? [[`and ${number(moreRunning)} more`, '', '']] : []),
    ],
  )
  replaceTable(
    'failures',
    ['Task', 'How', 'Message'],
    lastFailures.map((task) => [taskLink(task.name, choose), task.outcome, printable(task.message ?? '')]),
  )
  const ended = endedInstances.slice(0, ENDED_MAX)
  replaceTable(
    'instances',
    ['Instance', 'Life', 'Host', 'Process', 'Since', 'Command'],
    [
      ...[
        ...instances.map((one) => ({ ...one, life: 'alive' })),
        ...ended.map((one) => ({ ...one, life: 'ended' })),
      ].map((one) => [
        element('code', {}, one.instance),
        element('span', { class: `life life-${one.life}` }, one.life),
        printable(one.host),
        String(one.pid),
        momentElement(one.started),
        element('code', {}, printable(one.command)),
      ]),
      ...(endedInstances.length > ended.length
        ? [[`and ${endedInstances.length - ended.length} more that have ended`, '', '', '', '', '']]
        : []),
    ],
  )
}

/** What each table shows, so that one that has not changed keeps its focus and selection. */
const shownRows = new Map<string, string>()

function replaceTable(id: string, head: readonly string[], rows: readonly (readonly Child[])[]): void {
  const text = JSON.stringify(
    rows.map((row) => row.map((cell) => (cell instanceof Element ? cell.outerHTML : cell))),
  )
  if (shownRows.get(id) === text) return
  shownRows.set(id, text)
  if (rows.length === 0) {
    byId(id).replaceChildren(element('p', { class: 'muted' }, 'none'))
    return
  }
  byId(id).replaceChildren(
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, ...head.map((title) => element('th', { scope: 'col' }, title)))),
      element(
        'tbody',
        {},
        ...rows.map((row) => element('tr', {}, ...row.map((cell) => element('td', {}, cell)))),
      ),
    ),
  )
}

function taskLink(name: string, choose: (name: string) => void): HTMLElement {
  const link = element('button', { type: 'button', class: 'link' }, element('bdi', {}, printable(name)))
  link.addEventListener('click', () => choose(name))
  return link
}

/** A moment in the reader's time. */
export function momentElement(iso: string): HTMLElement {
  const moment = new Date(iso)
  const isToday = moment.toDateString() === new Date().toDateString()
  return element(
    'time',
    { datetime: iso, title: iso },
    isToday ? moment.toLocaleTimeString() : moment.toLocaleString(),
  )
}

/** How long ago a moment is, by this machine's clock; {@link refreshAges} puts it in. */
function sinceElement(iso: string): HTMLElement {
  return element('time', { datetime: iso, title: iso, 'data-age': '' })
}

function ageText(iso: string): string {
  return durationText(Math.max(Date.now() - Date.parse(iso), 0))
}

/** Brings all ages on the page up to date. */
export function refreshAges(): void {
  for (const age of document.querySelectorAll<HTMLTimeElement>('time[data-age]'))
    age.textContent = ageText(age.dateTime)
}
