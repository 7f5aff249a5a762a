/**
 * Makes untrusted text safe for a terminal: control characters become visible escapes, so that a name or a message
 * can't move the cursor or colour the screen.
 */
export function printable(text: string): string {
  let result = ''
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    const control = code < 0x20 || (code >= 0x7f && code < 0xa0)
    result += control ? `\\x${code.toString(16).padStart(2, '0')}` : character
  }
  return result
}
