import type { EndingKind } from '#src/report/report-data'

/** Steps of density that can be told apart. */
const DENSITY_LEVELS = 8
/** What there is at all takes this part of a row's height. */
const SHARE_MIN = 0.3

/** The part of a canvas's context that bars are drawn with. */
export interface BarCanvas {
  fillStyle: unknown
  globalAlpha: number
  fillRect(left: number, top: number, width: number, height: number): void
}

/** Where bars go: pixels of the canvas. */
export interface BarPlace {
  readonly fromMs: number
  readonly toMs: number
  readonly left: number
  readonly width: number
  readonly top: number
  readonly height: number
}

/** What is known of a pixel. */
interface Pixel {
  /** How much of its time is filled, from 0 to 1. */
  filled: number
  count: number
  otherCount: number
  /** How the last of the others ended. */
  otherKind: EndingKind
}

/** Attempts of a row that are too narrow to be drawn alone, by pixel. */
export class Crowd {
  readonly #pixels: (Pixel | undefined)[]

  constructor(width: number) {
    this.#pixels = new Array(Math.ceil(width) + 1).fill(undefined)
  }

  /**
   * Adds an attempt to a pixel.
   *
   * @param facts - `width` is its own, in pixels; `stands` says that it needs no part of the pixel for how it ended.
   */
  add(pixel: number, { kind, width, stands }: { kind: EndingKind; width: number; stands: boolean }): void {
    const known = this.#pixels[pixel] ?? { filled: 0, count: 0, otherCount: 0, otherKind: 'done' as const }
    this.#pixels[pixel] = known
    known.filled += width
    known.count += 1
    if (stands) return
    known.otherCount += 1
    known.otherKind = kind
  }

  /** Draws all pixels, those that look alike at once. */
  draw(context: BarCanvas, place: BarPlace, colourOf: (kind: EndingKind) => string): void {
    for (let from = 0; from < this.#pixels.length; ) {
      const look = lookOf(this.#pixels[from], place.height)
      let to = from + 1
      while (to < this.#pixels.length && isAlike(lookOf(this.#pixels[to], place.height), look)) to += 1
      const { level, otherHeight, otherKind } = look
      if (level > 0) {
        context.globalAlpha = level / DENSITY_LEVELS
        context.fillStyle = colourOf('done')
        context.fillRect(place.left + from, place.top, to - from, place.height - otherHeight)
        context.globalAlpha = 1
      }
      if (otherHeight > 0) {
        context.fillStyle = colourOf(otherKind)
        const top = place.top + place.height - otherHeight
        context.fillRect(place.left + from, top, to - from, otherHeight)
      }
      from = to
    }
  }
}

/** How a pixel is drawn. */
interface Look {
  readonly level: number
  readonly otherHeight: number
  readonly otherKind: EndingKind
}

function lookOf(pixel: Pixel | undefined, height: number): Look {
  if (pixel === undefined) return { level: 0, otherHeight: 0, otherKind: 'done' }
  const { filled, count, otherCount, otherKind } = pixel
  const level = Math.min(DENSITY_LEVELS, Math.max(2, Math.round(filled * DENSITY_LEVELS)))
  const share = otherCount === 0 ? 0 : Math.max(SHARE_MIN, otherCount / count)
  return { level, otherHeight: Math.ceil(share * height), otherKind }
}

function isAlike(one: Look, other: Look): boolean {
  return (
    one.level === other.level && one.otherHeight === other.otherHeight && one.otherKind === other.otherKind
  )
}
