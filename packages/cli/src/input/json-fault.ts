/** Where a JSON text goes wrong. */
export interface JsonFault {
  /** Line of the first character that can't stand there, from 1. */
  readonly line: number
  /** Whether the text is right as far as it goes, and just ends too early. */
  readonly torn: boolean
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
const SPACE = /[ \t\r\n]*/y
/** Beginnings of a string, number or word that the end of the text has cut off. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings
const CUT_OFF = /^(?:"(?:[^"\\\u0000-\u001f]|\\.)*\\?|-|t|tr|tru|f|fa|fal|fals|n|nu|nul)$/su

/**
 * Finds the line of the first fault in a text that `JSON.parse` has refused; its own messages often name no place.
 */
export function findJsonFault(text: string): JsonFault {
  const offset = new JsonScanner(text).scan()
  const torn = text.slice(offset).trim() === '' || CUT_OFF.test(text.slice(offset).trimEnd())
  return { line: text.slice(0, torn ? text.trimEnd().length : offset).split('\n').length, torn }
}

/** What may come next. */
type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma or end' | 'nothing'

/** Walks over the tokens of a JSON text with a stack of open brackets, so that depth costs no call. */
class JsonScanner {
  readonly #text: string
  readonly #open: ('[' | '{')[] = []
  #offset = 0
  #expected: Expected = 'value'

  constructor(text: string) {
    this.#text = text
  }

  /** @returns Offset of the first token that can't stand where it does, or the length of the text. */
  scan(): number {
    for (;;) {
      this.#skip(SPACE)
      if (this.#offset >= this.#text.length || !this.#step()) return this.#offset
    }
  }

  /** Takes one token; false if none fits. */
  #step(): boolean {
    const character = this.#text[this.#offset]
    switch (this.#expected) {
      case 'key or }':
        if (character === '}') return this.#close()
        return this.#takeKey()
      case 'key':
        return this.#takeKey()
      case 'colon':
        return character === ':' && this.#take('value')
      case 'comma or end':
        if (character === ',') return this.#take(this.#open.at(-1) === '{' ? 'key' : 'value')
        return character === (this.#open.at(-1) === '{' ? '}' : ']') && this.#close()
      case 'value or ]':
        if (character === ']') return this.#close()
        return this.#takeValue(character)
      case 'value':
        return this.#takeValue(character)
      default:
        return false
    }
  }

  #takeValue(character: string | undefined): boolean {
    if (character === '[' || character === '{') {
      this.#open.push(character)
      return this.#take(character === '[' ? 'value or ]' : 'key or }')
    }
    if (!this.#skip(STRING) && !this.#skip(SCALAR)) return false
    this.#expected = this.#open.length === 0 ? 'nothing' : 'comma or end'
    return true
  }

  #takeKey(): boolean {
    if (!this.#skip(STRING)) return false
    this.#expected = 'colon'
    return true
  }

  #take(next: Expected): boolean {
    this.#offset += 1
    this.#expected = next
    return true
  }

  #close(): boolean {
    this.#open.pop()
    return this.#take(this.#open.length === 0 ? 'nothing' : 'comma or end')
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#offset
    if (!pattern.test(this.#text)) return false
    this.#offset = pattern.lastIndex
    return true
  }
}
