import { formatDuration } from '../input/duration.ts'
import type { Progress } from './progress-meter.ts'

const BAR_WIDTH = 24

/** One line of plain text on how far the run is. */
export function progressText(progress: Progress): string {
  const { total, done, failed, running, elsewhere, ratePerSecond, secondsLeft } = progress
  const ended = done + failed
  // A run that is not over never shows 100 %.
  const percent = total === 0 ? 100 : Math.floor((100 * ended) / total)
  const parts = [`${ended}/${total} ${percent} %`, `${running} running`]
  if (failed > 0) parts.push(`${failed} failed`)
  if (elsewhere > 0) parts.push(`${elsewhere} elsewhere`)
  if (ratePerSecond > 0) parts.push(`${formatRate(ratePerSecond)}`)
  if (ended < total && secondsLeft !== undefined) parts.push(`${formatDuration(secondsLeft * 1000)} left`)
  return parts.join(', ')
}

/** The same behind a bar; `width` is the terminal's, in columns, and the line stays below it. */
export function progressBar(progress: Progress, width: number): string {
  const { total, done, failed } = progress
  const cells = (count: number): number => (total === 0 ? BAR_WIDTH : Math.floor((BAR_WIDTH * count) / total))
  const doneCells = cells(done)
  const failedCells = cells(done + failed) - doneCells
  const bar =
    '#'.repeat(doneCells) + 'x'.repeat(failedCells) + '-'.repeat(BAR_WIDTH - doneCells - failedCells)
  return `[${bar}] ${progressText(progress)}`.slice(0, Math.max(width - 1, 0))
}

function formatRate(perSecond: number): string {
  if (perSecond >= 1) return `${perSecond >= 100 ? Math.round(perSecond) : perSecond.toFixed(1)}/s`
  const perMinute = perSecond * 60
  return perMinute >= 1 ? `${perMinute.toFixed(1)}/min` : `${(perMinute * 60).toFixed(1)}/h`
}
