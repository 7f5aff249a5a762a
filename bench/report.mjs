/** Medians, and tables of text. */

/** The middle one of some numbers. */
export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** A number with three digits that count: 1234, 56.7, 0.0891. */
export function short(number) {
  const size = Math.abs(number)
  const digits = size >= 100 || size === 0 ? 0 : Math.min(6, 2 - Math.floor(Math.log10(size)))
  return number.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** Prints rows under their headings, columns aligned to the right, or to the left where `left` names them. */
export function printTable(headings, rows, left = []) {
  const lines = [headings, ...rows].map((row) => row.map(String))
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column].length)))
  const fit = (cell, column) =>
    left.includes(column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column])
  for (const line of lines) console.log(line.map(fit).join('  ').trimEnd())
}
