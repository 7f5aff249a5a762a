/** The value of a colour of the page's style, as it is for the theme and medium of this moment. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

/** Calls back whenever {@link colour} may say something else: the theme changes, or the page is about to be printed. */
export function onThemeChange(callback: () => void): void {
  for (const query of ['(prefers-color-scheme: dark)', 'print'])
    matchMedia(query).addEventListener('change', callback)
}
