/** Draws the outcome of the sweep as an SVG: a cell per task, coloured by the fraction of people infected in all. */

const CELL = 22
const LEFT = 70
const TOP = 64
const LEGEND_WIDTH = 14

/** Dark blue to yellow, light rising evenly, so that it reads in grey and to the colour-blind. */
const COLORS = ['#30123b', '#414487', '#2a788e', '#22a884', '#7ad151', '#fde725']

function colorOf(fraction) {
  const place = Math.min(Math.max(fraction, 0), 1) * (COLORS.length - 1)
  const low = Math.min(Math.floor(place), COLORS.length - 2)
  const channels = (color) => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16))
  const [from, to] = [channels(COLORS[low]), channels(COLORS[low + 1])]
  return `rgb(${from.map((value, k) => Math.round(value + (to[k] - value) * (place - low))).join(',')})`
}

const distinct = (numbers) => [...new Set(numbers)].sort((one, other) => one - other)

/**
 * @param {{beta: string, gamma: string, attackRate: number, peakInfected: number}[]} results - One per task.
 * @returns The text of an SVG file.
 */
export function drawAttackRates(results) {
  const betas = distinct(results.map(({ beta }) => Number(beta)))
  const gammas = distinct(results.map(({ gamma }) => Number(gamma)))
  const [width, height] = [betas.length * CELL, gammas.length * CELL]
  const x = (beta) => LEFT + betas.indexOf(Number(beta)) * CELL
  const y = (gamma) => TOP + height - (gammas.indexOf(Number(gamma)) + 1) * CELL
  const cells = results.map(
    ({ beta, gamma, attackRate, peakInfected }) =>
      `<rect x="${x(beta)}" y="${y(gamma)}" width="${CELL}" height="${CELL}" fill="${colorOf(attackRate)}">` +
      `<title>beta ${beta}, gamma ${gamma}: ${(100 * attackRate).toFixed(1)} % infected, at most ${(100 * peakInfected).toFixed(1)} % at once</title></rect>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + width + 110}" height="${TOP + height + 64}" font-family="sans-serif" font-size="11" fill="#222">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${LEFT}" y="26" font-size="16" font-weight="bold">How many are infected before an epidemic ends</text>
<text x="${LEFT}" y="46">SIR model, ${results.length} runs; below the line each case infects less than one other</text>
${cells.join('\n')}
${thresholdLine(betas, gammas, { width, height })}
${axisLabels(betas, gammas, { x, y, width, height })}
${legend(LEFT + width + 24, height)}
</svg>
`
}

/** Where beta = gamma, drawn through the centres of the cells; above it no epidemic starts. */
function thresholdLine(betas, gammas, { width, height }) {
  const across = (beta) =>
    LEFT + (CELL / 2 + ((beta - betas[0]) / (betas.at(-1) - betas[0])) * (width - CELL))
  const up = (gamma) =>
    TOP + height - (CELL / 2 + ((gamma - gammas[0]) / (gammas.at(-1) - gammas[0])) * (height - CELL))
  const low = Math.max(betas[0], gammas[0])
  const high = Math.min(betas.at(-1), gammas.at(-1))
  return `<line x1="${across(low)}" y1="${up(low)}" x2="${across(high)}" y2="${up(high)}" stroke="#fff" stroke-width="2" stroke-dasharray="5 4"/>`
}

function axisLabels(betas, gammas, { x, y, width, height }) {
  const every = (list) => list.filter((_, index) => index % 4 === 0)
  const bottom = TOP + height
  return [
    ...every(betas).map(
      (beta) => `<text x="${x(beta) + CELL / 2}" y="${bottom + 16}" text-anchor="middle">${beta}</text>`,
    ),
    ...every(gammas).map(
      (gamma) => `<text x="${LEFT - 8}" y="${y(gamma) + CELL / 2 + 4}" text-anchor="end">${gamma}</text>`,
    ),
    `<text x="${LEFT + width / 2}" y="${bottom + 40}" text-anchor="middle" font-size="13">infections per day and case (beta)</text>`,
    `<text transform="translate(20 ${TOP + height / 2}) rotate(-90)" text-anchor="middle" font-size="13">recoveries per day (gamma)</text>`,
  ].join('\n')
}

function legend(left, height) {
  const steps = 50
  const bars = Array.from({ length: steps }, (_, index) => {
    const top = TOP + height - ((index + 1) * height) / steps
    return `<rect x="${left}" y="${top}" width="${LEGEND_WIDTH}" height="${height / steps + 0.5}" fill="${colorOf(index / (steps - 1))}"/>`
  })
  const labels = [0, 0.25, 0.5, 0.75, 1].map(
    (value) =>
      `<text x="${left + LEGEND_WIDTH + 6}" y="${TOP + height * (1 - value) + 4}">${100 * value} %</text>`,
  )
  return [...bars, ...labels].join('\n')
}
