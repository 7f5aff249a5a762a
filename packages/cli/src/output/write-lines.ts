/** Lines that are put together into one piece. */
const LINES_PER_PIECE = 1000

/** Writes lines, without newlines, on standard output: in larger pieces, and waiting for a slow reader. */
export async function writeLines(lines: Iterable<string>): Promise<void> {
  let piece: string[] = []
  const flush = async (): Promise<void> => {
    if (piece.length === 0) return
    const text = `${piece.join('\n')}\n`
    piece = []
    if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once('drain', resolve))
  }
  for (const line of lines) {
    piece.push(line)
    if (piece.length >= LINES_PER_PIECE) await flush()
  }
  await flush()
}
