import { readFileSync } from 'node:fs'

/** A file of the page, as it is served. */
export interface PageFile {
  readonly type: string
  readonly text: string
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
}

/** What the page is made of, under `dist/page`. */
const FILES: readonly string[] = [
  'live.html',
  'base.css',
  'live.css',
  ...['columns', 'duration-text', 'elements', 'live', 'live-connection', 'live-details', 'live-figures'],
  ...['live-grid', 'live-log', 'live-requests', 'live-tasks', 'printable', 'theme'],
].map((name) => (name.includes('.') ? name : `${name}.js`))

/** Reads the page's files, by the path under which each is served. No other file of the disk can be asked for. */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>()
  for (const name of FILES) {
    const text = readFileSync(new URL(`../page/${name}`, import.meta.url), 'utf8')
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
    files.set(name === 'live.html' ? '/' : `/page/${name}`, { type, text })
  }
  return files
}
