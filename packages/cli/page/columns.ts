/** Reads base64 as bytes. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64)
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at)
  return bytes
}

/** Reads base64 as little-endian numbers of 32 bits, as every machine with a browser stores them. */
export function wordsOf(base64: string): Uint32Array {
  return new Uint32Array(bytesOf(base64).buffer)
}
