/** The live page: puts its parts together. */
import type { TaskFacts } from '#src/serve/live-routes'
import { durationText } from './duration-text.ts'
import { byId, element } from './elements.ts'
import { connect } from './live-connection.ts'
import { LiveDetails } from './live-details.ts'
import { number, refreshAges, showFigures } from './live-figures.ts'
import { LiveGrid } from './live-grid.ts'
import { askAbout, askNames, askTask, openAgain } from './live-requests.ts'
import { CODE_NAMES, LiveTasks } from './live-tasks.ts'
import { printable } from './printable.ts'

/** What the pointer rests on for so long is asked about, milliseconds. */
const REST_MS = 120
/** States that there is a filter for, also while no task is in them. */
const USUAL = new Set(['OPEN', 'RUNNING', 'DONE', 'FAILED'])

// The token stands in the address only until the page is there; from now on the cookie speaks for it.
history.replaceState(null, '', location.pathname)

const tasks = new LiveTasks()
const wantedCodes = new Set<number>()
let wantedText = ''
let allowActions = false

const details = new LiveDetails({
  tasks,
  action: (name, state) => {
    const action = state === 'FAILED' ? 'retry' : state === 'LOST' ? 'recover' : undefined
    if (!allowActions || action === undefined) return undefined
    return actionButton(action, action === 'retry' ? 'Retry this task' : 'Recover this task', () => [name])
  },
  closed: () => {
    grid.mark(undefined)
    byId('grid').focus()
  },
})

const grid = new LiveGrid(tasks, {
  chosen: (index) => {
    const name = tasks.nameOf(index)
    if (name !== undefined) choose(name)
  },
  pointed: (index, at) => {
    if (at.by === 'keys' && index !== undefined) byId('cell').textContent = cellText(index)
    if (at.by === 'pointer') pointTo(index, at)
  },
})

function choose(name: string): void {
  const index = tasks.indexOf(name)
  if (index === -1) return
  grid.mark(index)
  hideTip()
  details.open(name)
}

function cellText(index: number): string {
  const name = tasks.nameOf(index)
  return `${name === undefined ? `task ${index}` : printable(name)}: ${tasks.stateOf(index)}`
}

let tipTimer: ReturnType<typeof setTimeout> | undefined
let tipOf: number | undefined

/** Says at the pointer what it is on, and after a moment what else is known of it. */
function pointTo(index: number | undefined, { x, y }: { readonly x: number; readonly y: number }): void {
  const tip = byId('tip')
  if (index === undefined) {
    hideTip()
    return
  }
  if (index !== tipOf) {
    clearTimeout(tipTimer)
    tipOf = index
    tip.replaceChildren(element('strong', {}, cellText(index)))
    const name = tasks.nameOf(index)
    if (name !== undefined) tipTimer = setTimeout(() => void fillTip(index, name), REST_MS)
  }
  tip.hidden = false
  const { width, height } = tip.getBoundingClientRect()
  tip.style.left = `${Math.max(Math.min(x + 14, innerWidth - width - 8), 8)}px`
  tip.style.top = `${y + 18 + height > innerHeight ? y - height - 10 : y + 18}px`
}

function hideTip(): void {
  clearTimeout(tipTimer)
  tipOf = undefined
  byId('tip').hidden = true
}

async function fillTip(index: number, name: string): Promise<void> {
  const facts = await askTask(name).catch(() => undefined)
  if (facts === undefined || tipOf !== index) return
  const lines = [factsText(facts), printable(facts.message ?? '')].filter((line) => line !== '')
  byId('tip').append(...lines.map((line) => element('div', {}, line)))
}

function factsText(facts: TaskFacts): string {
  const { attempts, duration, state } = facts
  return [
    attempts === 0 ? '' : `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`,
    facts.outcome ?? '',
    duration === null || state === 'RUNNING' ? '' : durationText(duration * 1000),
  ]
    .filter((part) => part !== '')
    .join(', ')
}

/** Applies the filters, and says how many tasks pass. */
function showTasks(): void {
  const shown = tasks.filter(wantedCodes, wantedText)
  grid.show(shown)
  byId('cell').textContent =
    shown === undefined
      ? `${number(tasks.count)} tasks`
      : `${number(shown.length)} of ${number(tasks.count)} tasks`
}

const chips = CODE_NAMES.map((name, code) => {
  const count = element('span', { class: 'number' })
  const swatch = element('span', { class: `swatch state-${name.toLowerCase()}` })
  const chip = element(
    'button',
    { type: 'button', class: 'chip', 'aria-pressed': 'false' },
    swatch,
    name,
    ' ',
    count,
  )
  chip.addEventListener('click', () => {
    if (!wantedCodes.delete(code)) wantedCodes.add(code)
    chip.setAttribute('aria-pressed', String(wantedCodes.has(code)))
    showTasks()
  })
  return { name, code, chip, count }
})
byId('states').append(...chips.map(({ chip }) => chip))

function showCounts(counts: readonly number[]): void {
  for (const { name, code, chip, count } of chips) {
    const has = counts[code] ?? 0
    count.textContent = number(has)
    chip.hidden = name === 'UNREAD' || (has === 0 && !USUAL.has(name) && !wantedCodes.has(code))
  }
  const failed = counts[CODE_NAMES.indexOf('FAILED')] ?? 0
  const lost = counts[CODE_NAMES.indexOf('LOST')] ?? 0
  retryAll.disabled = failed === 0
  recoverAll.disabled = lost === 0
}

const filter = byId('filter') as HTMLInputElement
filter.addEventListener('input', () => {
  wantedText = filter.value
  showTasks()
})

/** A button that has tasks opened again, after it has asked. */
function actionButton(
  action: 'retry' | 'recover',
  label: string,
  names: () => readonly string[],
): HTMLButtonElement {
  const button = element('button', { type: 'button' }, label)
  button.addEventListener('click', () => {
    const [name] = names()
    const what =
      name === undefined
        ? action === 'retry'
          ? 'all FAILED tasks'
          : 'all tasks whose owner is dead'
        : printable(name)
    if (!confirm(`Open ${what} again?`)) return
    button.disabled = true
    notice('Working; where owners have to be watched for signs of life, this takes some minutes.')
    void openAgain(action, names())
      .then(({ said }) => notice(said.join(' ')))
      .catch((error: unknown) => notice(String(error)))
      .finally(() => {
        button.disabled = false
      })
  })
  return button
}

const retryAll = actionButton('retry', 'Retry failed', () => [])
const recoverAll = actionButton('recover', 'Recover lost', () => [])

function notice(text: string): void {
  const place = byId('notice')
  place.hidden = text === ''
  place.textContent = printable(text)
}

const CONNECTION = {
  live: 'live',
  lost: 'connection lost, trying again',
  over: 'the server has ended; start “mpibatch serve” again, and open its new link',
} as const

async function readNames(): Promise<void> {
  const { list, names } = await askNames()
  // If the tasks have changed meanwhile, the frame that says so asks again.
  if (list !== tasks.list) return
  tasks.setNames(names)
  showTasks()
}

connect({
  frame: (frame) => {
    if (tasks.apply(frame)) {
      void readNames().catch((error: unknown) =>
        notice(`The names of the tasks could not be read: ${String(error)}`),
      )
      showTasks()
    } else if (wantedCodes.size > 0) showTasks()
    else grid.draw()
    const counts = tasks.counts()
    showCounts(counts)
    if (frame.status !== undefined) showFigures(frame.status, counts, choose)
    details.update()
  },
  state: (state) => {
    const pill = byId('connection')
    pill.textContent = CONNECTION[state]
    pill.className = `pill pill-${state}`
  },
})

setInterval(refreshAges, 1000)

const about = await askAbout()
allowActions = about.allowActions
byId('root').textContent = printable(about.root)
if (allowActions) byId('actions').append(retryAll, recoverAll)
