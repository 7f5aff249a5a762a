/**
 * Watches a schedule: hears of every change of names on the server and of everything that instances are told, and notes
 * the first thing that must not be.
 */
import type { TerminalState } from '@mpibatch/batch-core'
import { type EventContent, parseEvent } from '../../src/event.ts'
import type { SimulatedFileSystem } from './simulated-file-system.ts'
import type { NameChange, SimulatedDirectory, SimulatedNode } from './simulated-nodes.ts'

const WORDS = { CLAIM: 'RUNNING', DONE: 'DONE', FAILED: 'FAILED', OPEN: 'OPEN' } as const

/** What the referee knows of a task. */
interface TaskRecord {
  readonly name: string
  /** Nodes of its events, that of slot 1 first; with holes where a power cut has left some. */
  events: (SimulatedNode | undefined)[]
  /** Slot of the event that `state` shows. */
  shown: number
  /** Slots whose claims were granted since the last power cut. */
  granted: Set<number>
  /** Instances that have been granted a claim that has not ended. */
  readonly holders: Map<string, number>
  /** Slot of the last DONE that was reported. */
  doneSlot: number | undefined
}

/** See the top of this file. */
export class Referee {
  /** The first thing that was wrong, as a sentence. */
  fault: string | undefined
  readonly #tasks: readonly TaskRecord[]
  readonly #byName: ReadonlyMap<string, TaskRecord>
  readonly #dead = new Set<string>()
  readonly #reruns: boolean

  constructor(names: readonly string[], options: { readonly reruns: boolean }) {
    this.#tasks = names.map((name) => ({
      ...{ name, events: [], shown: 0, granted: new Set(), holders: new Map(), doneSlot: undefined },
    }))
    this.#byName = new Map(this.#tasks.map((task) => [task.name, task]))
    this.#reruns = options.reruns
  }

  isDead(instance: string): boolean {
    return this.#dead.has(instance)
  }

  /** An instance is dead from now on, for all that anybody may know. */
  declareDead(instance: string): void {
    this.#dead.add(instance)
  }

  /** Hears of a change on the server. */
  seeChange({ edits }: NameChange): void {
    for (const { directory, name, node } of edits) {
      if (node?.kind === 'directory' && this.#byName.has(name)) this.#seeDirectory(name, node)
      if (!name.startsWith('state')) continue
      const task = this.#byName.get(directory.name)
      if (task === undefined) continue
      if (name === 'state') this.#seeState(task, edits[0]?.name ?? '', node)
      else if (name.startsWith('state.ev.')) this.#seeEvent(task, Number(name.slice(9)), node)
    }
  }

  /** Whether an event that can't be read, or not seen, is one that nobody will finish. */
  isAbandoned(path: string, everybody: readonly string[]): boolean {
    const [, name = '', slot = ''] = /([^/]+)\/state\.ev\.(\d+)$/.exec(path) ?? []
    const content = contentOf(this.#byName.get(name)?.events[Number(slot) - 1])
    // One that is only not seen yet will be seen before anybody's patience ends.
    return content === undefined && everybody.every((one) => this.isDead(one))
  }

  /** A claim was granted. */
  granted(instance: string, taskIndex: number, slot: number): void {
    const task = this.#task(taskIndex)
    if (task.granted.has(slot)) this.#blame(task, `slot ${slot} was granted twice`)
    task.granted.add(slot)
    const content = contentOf(task.events[slot - 1])
    if (content?.kind !== 'CLAIM' || content.instance !== instance)
      this.#blame(task, `slot ${slot} was granted to ${instance}, which has it not`)
    if (!this.isDead(instance)) {
      for (const [other, claimed] of task.holders) {
        // Its claim is over as soon as its own result or release has its slot.
        const isOver = contentOf(task.events[claimed])?.instance === other
        if (!isOver && !this.isDead(other)) this.#blame(task, `${instance} and ${other}, both alive, have it`)
      }
      if (task.doneSlot !== undefined && !this.#isOpenedAfter(task, task.doneSlot, slot))
        this.#blame(
          task,
          `${instance} was granted slot ${slot} after DONE of slot ${task.doneSlot} was reported`,
        )
    }
    task.holders.set(instance, slot)
  }

  /** A granted claim has ended, one way or another. */
  ended(instance: string, taskIndex: number): void {
    this.#task(taskIndex).holders.delete(instance)
  }

  /** A result was reported. */
  reported(instance: string, taskIndex: number, state: TerminalState | 'OPEN', slot: number): void {
    const task = this.#task(taskIndex)
    const content = contentOf(task.events[slot - 1])
    if (content?.kind !== state || content.instance !== instance)
      this.#blame(task, `${state} of ${instance} was reported, but slot ${slot} has another event`)
    if (task.shown < slot && task.events[slot] === undefined)
      this.#blame(task, `${state} of slot ${slot} was reported, but state does not show it`)
    if (state === 'DONE') task.doneSlot = slot
  }

  /** The power was cut: what the server has now is all that there is. */
  seeRestart(system: SimulatedFileSystem, root: string, expected: { reports: boolean }): void {
    for (const task of this.#tasks) {
      task.granted = new Set()
      task.holders.clear()
      task.events = []
      task.shown = 0
      const directory = system.find(`${root}/${task.name}`)
      if (directory?.kind === 'directory') {
        for (const [name, node] of directory.entries)
          if (name.startsWith('state.ev.')) task.events[Number(name.slice(9)) - 1] = node
        if (task.events.includes(undefined)) this.#blame(task, `the power cut left a gap in its events`)
      }
      if (!expected.reports) task.doneSlot = undefined
      else if (task.doneSlot !== undefined) this.checkDone(system, root, task.name)
    }
  }

  /** A task must be DONE, unless it was opened again. */
  checkDone(system: SimulatedFileSystem, root: string, name: string): void {
    const task = this.#byName.get(name) as TaskRecord
    const text = system.textOf(`${root}/${name}/state`)
    if (text === 'DONE\n' || this.#isOpenedAfter(task, task.doneSlot ?? 0, task.events.length)) return
    this.#blame(task, `it was reported DONE, but state is ${JSON.stringify(text)}`)
  }

  /** Whether the last event of a task is DONE. */
  isEndedByEvent(name: string): boolean {
    return contentOf(this.#byName.get(name)?.events.at(-1))?.kind === 'DONE'
  }

  /** Nothing of this kind may happen. */
  blame(sentence: string): void {
    this.fault ??= sentence
  }

  /** A task's directory came to its place, with what was in it. */
  #seeDirectory(name: string, { entries }: SimulatedDirectory): void {
    const task = this.#byName.get(name) as TaskRecord
    const first = entries.get('state.ev.1')
    if (first === undefined) return
    if (task.events.length > 0) this.#blame(task, 'its directory came over one that had events')
    this.#seeEvent(task, 1, first)
    this.#seeState(task, `state.p1.${contentOf(first)?.instance}`, entries.get('state'))
  }

  #seeEvent(task: TaskRecord, slot: number, node: SimulatedNode | undefined): void {
    if (node === undefined) {
      this.#blame(task, `event ${slot} was removed`)
      return
    }
    if (slot > 1 && task.events[slot - 2] === undefined)
      this.#blame(task, `event ${slot} was made, but not the one before`)
    task.events[slot - 1] = node
    // The text of an event that is a file of its own comes later.
    this.#checkEvent(task, slot - 1)
    this.#checkEvent(task, slot)
  }

  #checkEvent(task: TaskRecord, slot: number): void {
    const event = contentOf(task.events[slot - 1])
    if (event === undefined) return
    const before = contentOf(task.events[slot - 2])
    if (slot > 1 && before === undefined) return
    const fault = this.#eventFault(before, event)
    if (fault !== undefined) this.#blame(task, `event ${slot}, ${event.kind} of ${event.instance}, ${fault}`)
  }

  #eventFault(before: EventContent | undefined, event: EventContent): string | undefined {
    const follows = `follows ${before?.kind ?? 'nothing'}`
    switch (event.kind) {
      case 'CLAIM':
        if (before?.kind === 'DONE') return follows
        return before?.kind === 'CLAIM' ? this.#takeOverFault(before, event) : undefined
      case 'OPEN':
        if (before?.kind === 'DONE' && !this.#reruns) return follows
        return before?.kind === 'CLAIM' ? this.#takeOverFault(before, event) : undefined
      case 'DONE':
        if (before?.kind === 'DONE') return undefined
        return before?.kind === 'CLAIM' && before.instance === event.instance ? undefined : follows
      case 'FAILED':
        if (before?.kind === 'FAILED') return undefined
        return before?.kind === 'CLAIM' ? this.#takeOverFault(before, event) : follows
    }
  }

  #takeOverFault(before: EventContent, event: EventContent): string | undefined {
    if (before.instance === event.instance || this.isDead(before.instance)) return undefined
    return `takes over from ${before.instance}, which is alive`
  }

  #seeState(task: TaskRecord, source: string, node: SimulatedNode | undefined): void {
    if (node === undefined) {
      this.#blame(task, 'state was removed')
      return
    }
    const [, number, instance] = /^state\.p(\d+)\.(\w+)$/.exec(source) ?? []
    const slot = Number(number ?? 0)
    if (slot === 0) {
      this.#blame(task, `state was made from ${source}`)
      return
    }
    const content = contentOf(task.events[slot - 1])
    if (slot <= task.shown) this.#blame(task, `state went back from event ${task.shown} to ${slot}`)
    if (content === undefined || content.instance !== instance) {
      this.#blame(task, `state was made from ${source}, which has no event`)
      return
    }
    const text = node.kind === 'file' ? node.text : node.kind
    if (text !== `${WORDS[content.kind]}\n`)
      this.#blame(task, `state says ${JSON.stringify(text)} where event ${slot} is ${content.kind}`)
    task.shown = slot
  }

  #isOpenedAfter(task: TaskRecord, from: number, to: number): boolean {
    if (!this.#reruns) return false
    // One that can't be read may have been it.
    return task.events.slice(from, to).some((node) => (contentOf(node)?.kind ?? 'OPEN') === 'OPEN')
  }

  #task(taskIndex: number): TaskRecord {
    return this.#tasks[taskIndex] as TaskRecord
  }

  #blame(task: TaskRecord, sentence: string): void {
    this.blame(`Task ${task.name}: ${sentence}.`)
  }
}

/** Events that were read already; a power cut may change their text. */
const known = new WeakMap<
  SimulatedNode,
  { readonly text: string; readonly content: EventContent | undefined }
>()

function contentOf(node: SimulatedNode | undefined): EventContent | undefined {
  if (node === undefined || node.kind === 'directory') return undefined
  const text = node.kind === 'file' ? node.text : node.target
  const read = known.get(node)
  if (read?.text === text) return read.content
  const content = parseEvent(text)
  known.set(node, { text, content })
  return content
}
