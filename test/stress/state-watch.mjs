/** Looks at state files during the stress test: each is one whole word at any time, and DONE is for ever. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const WHOLE = /^(OPEN|RUNNING|DONE|FAILED)\n$/
/** Tasks of one look. */
const SAMPLE_SIZE = 500

/** See the top of this file. */
export class StateWatch {
  faults = []
  doneCount = 0
  #done = new Set()
  #root
  #names
  #next = 0

  constructor(root, names) {
    this.#root = root
    this.#names = names
  }

  /** Looks at the next tasks in turn. */
  look() {
    for (let count = 0; count < Math.min(SAMPLE_SIZE, this.#names.length); count += 1) {
      this.#check(this.#names[this.#next])
      this.#next = (this.#next + 1) % this.#names.length
    }
    this.doneCount = this.#done.size
  }

  #check(name) {
    const text = this.#read(name)
    if (text === undefined && !this.#done.has(name)) return
    if (text === undefined || !WHOLE.test(text))
      this.faults.push(`The state of ${name} was ${JSON.stringify(text)}`)
    else if (text === 'DONE\n') this.#done.add(name)
    else if (this.#done.has(name)) this.faults.push(`The state of ${name} was DONE, and then ${text.trim()}`)
  }

  #read(name) {
    try {
      return readFileSync(join(this.#root, name, 'state'), 'utf8')
    } catch (error) {
      if (error.code === 'ENOENT') return undefined
      throw error
    }
  }
}
