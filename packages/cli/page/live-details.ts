/** The chosen task: what is known of it, why it is in its state, and what it has printed. */
import type { TaskFacts } from '#src/serve/live-routes'
import { durationText } from './duration-text.ts'
import { byId, type Child, element } from './elements.ts'
import { momentElement } from './live-figures.ts'
import { LiveLog } from './live-log.ts'
import { askExplanation, askTask } from './live-requests.ts'
import type { LiveTasks } from './live-tasks.ts'
import { printable } from './printable.ts'

/** What the details ask of the page. */
export interface DetailsOptions {
  readonly tasks: LiveTasks
  /** Makes the button that opens the task again; `undefined` where it may not, or need not, be. */
  readonly action: (name: string, state: string) => HTMLElement | undefined
  readonly closed: () => void
}

const FILES = ['stdout', 'stderr'] as const

/** See the top of this file. */
export class LiveDetails {
  readonly #options: DetailsOptions
  readonly #place = byId('details')
  readonly #state = element('span', { class: 'state' })
  readonly #facts = element('dl', { class: 'facts' })
  readonly #message = element('pre', { class: 'message', hidden: '' })
  readonly #answer = element('p', { class: 'answer' })
  readonly #explanation = element('pre', { class: 'explanation mono', tabindex: '0' })
  readonly #action = element('span', {})
  readonly #logPlace = element('div', {})
  readonly #tabs = new Map<string, HTMLButtonElement>()
  #name: string | undefined
  #shownState = ''
  #log: LiveLog | undefined

  constructor(options: DetailsOptions) {
    this.#options = options
    this.#place.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.close()
    })
  }

  /** The name of the task that is shown. */
  get name(): string | undefined {
    return this.#name
  }

  /** Shows a task. */
  open(name: string): void {
    if (name === this.#name) return
    this.#log?.close()
    this.#name = name
    this.#shownState = ''
    this.#facts.replaceChildren()
    this.#message.hidden = true
    this.#explain('asking …')
    const close = element('button', { type: 'button', class: 'close', 'aria-label': 'Close' }, '×')
    close.addEventListener('click', () => this.close())
    this.#place.replaceChildren(
      element(
        'div',
        { class: 'details-head' },
        element('h2', {}, element('bdi', {}, printable(name))),
        close,
      ),
      element('p', { class: 'state-line' }, this.#state, this.#action),
      ...[this.#message, this.#facts, this.#makeTabs(), this.#logPlace],
      element('h3', {}, 'Why, and what next'),
      ...[this.#answer, this.#explanation],
    )
    this.#place.hidden = false
    // Where the page is long, it opens out of sight.
    this.#place.firstElementChild?.scrollIntoView({ block: 'nearest' })
    this.#place.focus({ preventScroll: true })
    this.#openLog('stdout')
    this.update()
  }

  /** Takes up that states have changed. */
  update(): void {
    const name = this.#name
    if (name === undefined) return
    const state = this.#stateNow()
    if (state === this.#shownState) return
    const before = this.#shownState
    this.#shownState = state
    this.#state.textContent = state
    this.#state.className = `state state-${state.toLowerCase()}`
    this.#action.replaceChildren(...[this.#options.action(name, state)].filter((one) => one !== undefined))
    void this.#ask(name, before === '')
    if (before !== '') this.#log?.look()
  }

  /** Shows no task any more. */
  close(): void {
    this.#log?.close()
    this.#log = undefined
    this.#name = undefined
    this.#place.hidden = true
    this.#place.replaceChildren()
    this.#options.closed()
  }

  #stateNow(): string {
    const { tasks } = this.#options
    return tasks.stateOf(tasks.indexOf(this.#name ?? ''))
  }

  async #ask(name: string, choosesLog: boolean): Promise<void> {
    try {
      const facts = await askTask(name)
      if (name !== this.#name) return
      this.#showFacts(facts)
      // What a failed command has to say stands on its standard error.
      if (choosesLog && facts.state === 'FAILED') this.#openLog('stderr')
      const text = await askExplanation(name)
      if (name === this.#name) this.#explain(text)
    } catch (error) {
      if (name === this.#name) this.#explain(error instanceof Error ? error.message : String(error))
    }
  }

  /** The answer stands before the first empty line; all that it rests on follows in columns. */
  #explain(text: string): void {
    const end = text.indexOf('\n\n')
    this.#answer.textContent = end === -1 ? text : text.slice(0, end)
    this.#explanation.textContent = end === -1 ? '' : text.slice(end).trim()
    this.#explanation.hidden = end === -1
  }

  #showFacts(facts: TaskFacts): void {
    const { message, attempts, duration, host, started, ended, summary, values } = facts
    this.#message.hidden = message === null
    this.#message.textContent = printable(message ?? '')
    const rows: (readonly [string, Child | null])[] = [
      ['Runs', summary === null ? null : element('code', {}, printable(summary))],
      ...Object.entries(values).map(([key, value]) => [`{${printable(key)}}`, valueElement(value)] as const),
      ['Attempts', String(attempts)],
      ['Ended', facts.outcome],
      ['Took', duration === null || facts.state === 'RUNNING' ? null : durationText(duration * 1000)],
      ['Host', host === null ? null : printable(host)],
      ['Started', started === null ? null : momentElement(started)],
      ['End', ended === null || facts.state === 'RUNNING' ? null : momentElement(ended)],
    ]
    this.#facts.replaceChildren(
      ...rows.flatMap(([title, value]) =>
        value === null ? [] : [element('dt', {}, title), element('dd', {}, value)],
      ),
    )
  }

  #makeTabs(): HTMLElement {
    const row = element('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Output' })
    for (const file of FILES) {
      const tab = element('button', { type: 'button', role: 'tab' }, file)
      tab.addEventListener('click', () => this.#openLog(file))
      this.#tabs.set(file, tab)
      row.append(tab)
    }
    return row
  }

  #openLog(file: string): void {
    if (this.#name === undefined) return
    this.#log?.close()
    this.#log = new LiveLog(this.#name, file, () => this.#stateNow() === 'RUNNING')
    this.#logPlace.replaceChildren(this.#log.element)
    for (const [name, tab] of this.#tabs) tab.setAttribute('aria-selected', String(name === file))
  }
}

function valueElement(value: unknown): HTMLElement {
  return element('code', {}, printable(typeof value === 'string' ? value : JSON.stringify(value)))
}
