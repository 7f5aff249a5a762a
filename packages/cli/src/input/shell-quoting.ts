/**
 * Puts values into a line for `/bin/sh` so that the shell takes each as plain text, whatever it holds.
 *
 * A value is always in single quotes. Where the user has put a placeholder inside quotes, those are closed around the
 * value and opened again: `"{}.txt"` becomes `""'a b'".txt"`. {@link ShellQuoting} follows the line from its start to
 * know which quotes are open; in the few places where quotes can't make a value safe, it says so, and the line is
 * refused before anything runs.
 */

import { ConfigError } from '@mpibatch/batch-core'

/** Writes a value as one word of a shell line, in single quotes. */
export function quoteForShell(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`
}

/** Writes words as a person would type them: quoted only where the shell would read them otherwise. */
export function showWords(words: readonly string[]): string {
  return words.map((word) => (/^[\w./:@%+=,-]+$/.test(word) ? word : quoteForShell(word))).join(' ')
}

/** How a value has to be put in: the quotes that are open there, or digits only. */
export type QuoteContext = 'plain' | 'single' | 'double' | 'arithmetic'

/** Writes values into a place of the line, each a word of its own unless quotes are open there. */
export function quoteInContext(values: readonly string[], context: QuoteContext): string {
  switch (context) {
    case 'plain':
      return values.map(quoteForShell).join(' ')
    case 'single':
      return `'${quoteForShell(values.join(' '))}'`
    case 'double':
      return `"${quoteForShell(values.join(' '))}"`
    case 'arithmetic':
      return values.map(numberForShell).join(' ')
  }
}

/** Quotes don't work in `$((…))`, where the shell would also run what stands in a value; a number is safe as it is. */
function numberForShell(value: string): string {
  if (/^-?\d+(\.\d+)?$/.test(value)) return value
  throw new ConfigError(
    `The line of -c puts ${JSON.stringify(value)} inside $((…)), which takes numbers only. Assign it first: n={}; … $((n)).`,
  )
}

interface Frame {
  readonly kind: 'plain' | 'single' | 'double' | 'parameter' | 'comment' | 'arithmetic'
  /** Where it began in the line. */
  readonly start: number
  /** Open parentheses of `$(…)` and `$((…))`. */
  depth: number
}

/** Follows a shell line, piece by piece, and knows which quotes are open at its end. */
export class ShellQuoting {
  #text = ''
  readonly #frames: Frame[] = [{ kind: 'plain', start: 0, depth: 0 }]
  /** Whether the line so far ends in a backslash that quotes what follows. */
  #escaped = false
  /** Whether it ends in a `$` that begins something. */
  #dollar = false
  /** Whether a `#` would begin a comment. */
  #wordStart = true
  /** Why quotes can't be told any more. */
  #unclear: string | undefined

  /** Goes on over a piece of the line as the user wrote it. */
  accept(text: string): void {
    for (const character of text) {
      if (!this.#escaped) this.#step(character)
      else {
        this.#escaped = false
        // The shell drops a backslash with a line end, so that a word may begin behind them as before.
        this.#wordStart &&= character === '\n'
      }
      this.#text += character
    }
  }

  /** Goes on over a value; what it holds is quoted and changes nothing. */
  acceptValue(): void {
    this.#text += 'v'
    this.#dollar = false
    this.#wordStart = false
  }

  /** Whether the piece so far ends in a `$` that the shell would join with a brace. */
  get afterDollar(): boolean {
    return this.#dollar
  }

  /** The quotes that are open now. */
  get context(): QuoteContext {
    const { kind } = this.#top
    if (this.#frames.some((frame) => frame.kind === 'arithmetic')) return 'arithmetic'
    return kind === 'single' || kind === 'double' ? kind : 'plain'
  }

  /** Why no value can be put in here, as the end of a sentence; `undefined` if one can. */
  get fault(): string | undefined {
    if (this.#escaped) return 'behind a backslash; write {{ for a literal brace'
    if (this.#top.kind === 'comment') return 'in a comment; leave it out there'
    if (this.#frames.some(({ kind }) => kind === 'parameter'))
      return 'inside a parameter expansion; assign it to a variable first: x={}'
    return this.#unclear
  }

  /** Why no word can be added at the end of the line; `undefined` if one can. */
  get endFault(): string | undefined {
    if (this.fault !== undefined) return this.fault
    if (this.#frames.length > 1) return 'where a quote or parenthesis is open'
    return /[;&|]$/.test(this.#text) ? `behind ${this.#text.slice(-1)}` : undefined
  }

  get #top(): Frame {
    return this.#frames.at(-1) ?? { kind: 'plain', start: 0, depth: 0 }
  }

  #push(kind: Frame['kind'], depth = 0): void {
    this.#frames.push({ kind, start: this.#text.length, depth })
  }

  #step(character: string): void {
    const top = this.#top
    const dollar = this.#dollar
    this.#dollar = false
    switch (top.kind) {
      case 'single':
        if (character === "'") this.#frames.pop()
        return
      case 'comment':
        if (character !== '\n') return
        this.#frames.pop()
        this.#stepActive(character, { dollar })
        return
      case 'parameter':
        // Shells differ in what quotes mean in here, so the end is certain only without them.
        if (/["'`\\{(]/.test(character))
          this.#unclear ??= 'behind a parameter expansion with quotes or parentheses in it'
        if (character === '}') this.#frames.pop()
        return
      default:
        this.#stepActive(character, { dollar })
    }
  }

  /** A character where the shell expands things: outside quotes, or in double ones. */
  #stepActive(character: string, { dollar }: { readonly dollar: boolean }): void {
    const wordStart = this.#wordStart
    const top = this.#top
    if (character !== '\\') this.#wordStart = top.kind !== 'double' && /[\s;&|()]/.test(character)
    if (character === '\\') this.#escaped = true
    else if (character === '`') this.#unclear ??= 'behind a backtick; write $(…) instead'
    else if (character === '$') this.#dollar = !dollar
    else if (dollar && character === '{') this.#push('parameter')
    else if (dollar && character === '(') this.#push('plain', 1)
    else if (character === '"') {
      if (top.kind === 'double') this.#frames.pop()
      else this.#push('double')
    } else if (top.kind !== 'double') this.#stepUnquoted(character, { dollar, wordStart })
  }

  #stepUnquoted(character: string, before: { readonly dollar: boolean; readonly wordStart: boolean }): void {
    const top = this.#top
    if (character === "'") {
      if (before.dollar) this.#unclear ??= "behind $'…', which not every /bin/sh understands"
      this.#push('single')
    } else if (character === '#' && before.wordStart) this.#push('comment')
    else if (character === '<' && this.#text.endsWith('<')) {
      this.#unclear ??= 'behind a here-document (<<); use printf instead of that'
    } else if (character === '(' && top.depth > 0) this.#openParenthesis(top)
    else if (character === ')' && top.depth > 0) this.#closeParenthesis(top)
  }

  #openParenthesis(top: Frame): void {
    top.depth += 1
    if (top.kind === 'plain' && top.start === this.#text.length - 1) {
      this.#frames.splice(-1, 1, { kind: 'arithmetic', start: top.start, depth: top.depth })
    }
  }

  #closeParenthesis(top: Frame): void {
    top.depth -= 1
    if (top.depth > 0) return
    this.#frames.pop()
    this.#wordStart = false
    // The patterns of `case` have closing parentheses of their own, so this one may not have ended the $(…).
    if (/\bcase\b/.test(this.#text.slice(top.start))) {
      this.#unclear ??= 'behind a case inside $(…); put that into a script'
    }
  }
}
