import { ConfigError, type TaskValue } from '@mpibatch/batch-core'
import { findJsonFault } from './json-fault.ts'
import { TaskList } from './task-list.ts'
import { nameOfFile, readText } from './text-file.ts'

/**
 * Reads tasks from a JSON array, or from JSON lines, one task each: strings or numbers, or flat objects whose fields
 * become columns. Fields may be missing; a task that uses a missing one is refused later, by name.
 *
 * @throws {@link ConfigError} naming file and line, if the text is not JSON or ends too early, or an item is nested.
 */
export function readJsonTasks(file: string): TaskList {
  const text = readText(file)
  const builder = new ColumnBuilder()
  if (text.trimStart().startsWith('[')) {
    const items = parseJson(text, { file, firstLine: 1 }) as unknown[]
    for (const [index, item] of items.entries()) builder.add(item, `item ${index + 1} of ${nameOfFile(file)}`)
  } else {
    text.split('\n').forEach((line, index) => {
      if (line.trim() === '') return
      const item = parseJson(line, { file, firstLine: index + 1 })
      builder.add(item, `line ${index + 1} of ${nameOfFile(file)}`)
    })
  }
  return new TaskList(builder.cells)
}

function parseJson(
  text: string,
  { file, firstLine }: { readonly file: string; readonly firstLine: number },
): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const { line, torn } = findJsonFault(text)
    const reason = torn
      ? 'the JSON text ends in the middle; the file may be cut off'
      : 'this is not valid JSON'
    const place = firstLine + line - 1
    throw new ConfigError(`${nameOfFile(file)}, line ${place}: ${reason}.`, {
      cause,
      details: { line: place },
    })
  }
}

/** Gathers items into columns, in the order in which fields first appear. */
class ColumnBuilder {
  readonly cells: Map<string, (TaskValue | undefined)[]> = new Map()
  #itemCount = 0
  #kind: 'objects' | 'values' | undefined

  add(item: unknown, place: string): void {
    const flat = typeof item === 'object' && item !== null && !Array.isArray(item)
    const kind = flat ? 'objects' : 'values'
    this.#kind ??= kind
    if (kind !== this.#kind) {
      throw new ConfigError(
        `${sentenceStart(place)} differs in kind: a list has objects, or values, not both.`,
      )
    }
    if (flat) {
      for (const [field, value] of Object.entries(item))
        this.#put(field, checkValue(value, `field ${JSON.stringify(field)} in ${place}`))
    } else if (typeof item === 'string' || typeof item === 'number') {
      this.#put('1', checkValue(item, place))
    } else {
      throw new ConfigError(`${sentenceStart(place)} is no string, number or flat object.`)
    }
    this.#itemCount += 1
    for (const column of this.cells.values()) if (column.length < this.#itemCount) column.push(undefined)
  }

  #put(field: string, value: TaskValue): void {
    const known = this.cells.get(field)
    if (known !== undefined) known.push(value)
    else this.cells.set(field, [...new Array<undefined>(this.#itemCount).fill(undefined), value])
  }
}

function checkValue(value: unknown, place: string): TaskValue {
  if (typeof value === 'object' && value !== null) {
    throw new ConfigError(
      `${sentenceStart(place)} is nested; a task's values are strings, numbers, true, false or null.`,
    )
  }
  if (typeof value === 'string' && value.includes('\0'))
    throw new ConfigError(`${sentenceStart(place)} has a NUL character.`)
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new ConfigError(
      `${sentenceStart(place)} is too large for an exact number. Write it as a string, in quotes.`,
    )
  }
  return value as TaskValue
}

function sentenceStart(place: string): string {
  return place.charAt(0).toUpperCase() + place.slice(1)
}
