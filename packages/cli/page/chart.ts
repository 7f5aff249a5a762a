import { colour, onThemeChange } from './theme.ts'

/** Width of charts on paper, pixels: A4 and Letter have room for it. */
const PRINT_WIDTH = 690

/** How wide a chart may be in its place. */
export function chartWidth(place: HTMLElement): number {
  return matchMedia('print').matches ? PRINT_WIDTH : Math.max(place.clientWidth, 280)
}

/** An axis in the colours of the page, also after they have changed. */
export function gridAxis(): uPlot.Axis {
  const line = { stroke: (): string => colour('--grid'), width: 1 }
  return { stroke: () => colour('--muted'), grid: line, ticks: line, font: '12px system-ui, sans-serif' }
}

/** Calls back with a chart's new width when its place, its colours or its medium have changed: it is to be drawn anew. */
export function onChartResize(place: HTMLElement, resize: (width: number) => void): void {
  const redraw = (): void => resize(chartWidth(place))
  let width = place.clientWidth
  new ResizeObserver(() => {
    if (place.clientWidth === width) return
    width = place.clientWidth
    redraw()
  }).observe(place)
  onThemeChange(redraw)
}
