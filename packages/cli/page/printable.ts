/**
 * Makes text of others visible as it is: control characters become pictures, and those that turn the direction of
 * writing round become escapes, so that a name can't look like another one.
 */
export function printable(text: string): string {
  let result = ''
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if (code < 0x20) result += String.fromCodePoint(0x2400 + code)
    else if (code === 0x7f) result += '\u2421'
    else if ((code > 0x7f && code < 0xa0) || isDirection(code))
      result += `\\u${code.toString(16).padStart(4, '0')}`
    else result += character
  }
  return result
}

/** Marks, embeddings, overrides and isolates of bidirectional text. */
function isDirection(code: number): boolean {
  return (
    code === 0x61c ||
    (code >= 0x200e && code <= 0x200f) ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069)
  )
}

/** Colours, cursor movements and the like, as programs send them to terminals. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is they that are looked for
const TERMINAL_SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g

/**
 * What a program has printed, as text to read: without what only steers a terminal, and without what was written over,
 * as progress bars do.
 */
export function readableOutput(text: string): string {
  return text
    .replace(TERMINAL_SEQUENCE, '')
    .replaceAll('\r\n', '\n')
    .replace(/[^\n]*\r(?=[^\n])/g, '')
    .split('\n')
    .map((line) => line.split('\t').map(printable).join('\t'))
    .join('\n')
}
