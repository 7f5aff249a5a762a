/** What may stand in an element: other elements, and text. */
export type Child = Node | string

/** Attributes of an element; those that are `undefined` are left out. */
export type Attributes = Readonly<Record<string, string | undefined>>

/**
 * Makes an element. Text becomes a text node, whatever it says, so that names and messages of tasks can't become
 * markup; attributes that would run something (`on…`, `style`) are never set from here.
 *
 * @throws An error for the name of an event handler or of `style`.
 */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (/^(on|style$)/i.test(name))
      throw new Error(`The attribute ${name} is not set on elements of this page.`)
    if (value !== undefined) made.setAttribute(name, value)
  }
  made.append(...children)
  return made
}

/**
 * The element of the page that has this id.
 *
 * @throws An error if there is none: page and script don't belong together.
 */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`The page has no element with the id ${id}.`)
  return found
}
