import { type Child, element } from './elements.ts'

/** A box beside the pointer. */
export class Tooltip {
  readonly #box: HTMLElement
  readonly #place: HTMLElement

  /** @param place - What it moves within; it must be positioned. */
  constructor(place: HTMLElement) {
    this.#place = place
    this.#box = element('div', { class: 'tooltip', role: 'status' })
    this.#box.hidden = true
    place.append(this.#box)
  }

  /** Shows lines near a point of the place, in pixels, on the side where there is room. */
  show(left: number, top: number, lines: readonly Child[]): void {
    this.#box.replaceChildren(...lines.map((line) => element('div', {}, line)))
    this.#box.hidden = false
    const room = this.#place.clientWidth
    const width = this.#box.offsetWidth
    const beside = left + 14 + width > room ? left - 14 - width : left + 14
    this.#box.style.left = `${Math.max(0, beside)}px`
    this.#box.style.top = `${Math.max(0, top + 14)}px`
  }

  hide(): void {
    this.#box.hidden = true
  }
}
