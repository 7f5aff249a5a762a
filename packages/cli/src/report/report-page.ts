import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inlineModules } from './inline-script.ts'
import type { ReportData } from './report-data.ts'

/** How every report begins, so that it is known again when it is to be replaced. */
export const REPORT_MARK = '<!doctype html><!-- report of mpibatch -->'

/** Where the compiled pages are. */
const PAGE_DIRECTORY = fileURLToPath(new URL('../page/', import.meta.url))

/**
 * The text of a report: one file that loads nothing. Its policy lets run exactly the scripts and styles that stand in
 * it, by their digests; the data is no script, and holds no `<`.
 */
export function reportPage(data: ReportData): string {
  const uplot = join(dirname(createRequire(import.meta.url).resolve('uplot/package.json')), 'dist')
  const scripts = [
    readFileSync(join(uplot, 'uPlot.iife.min.js'), 'utf8'),
    inlineModules(join(PAGE_DIRECTORY, 'report.js')),
  ]
  const styles = [
    readFileSync(join(uplot, 'uPlot.min.css'), 'utf8'),
    readFileSync(join(PAGE_DIRECTORY, 'base.css'), 'utf8'),
    readFileSync(join(PAGE_DIRECTORY, 'report.css'), 'utf8'),
  ]
  const [library, page] = scripts
  return `${REPORT_MARK}
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(scripts, styles)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>mpibatch report</title>
${styles.map((style) => `<style>${style}</style>`).join('\n')}
</head>
<body>
<main id="report"><noscript>This report needs JavaScript, which is part of this file.</noscript></main>
<script id="data" type="application/json">${jsonInHtml(data)}</script>
<script>${library}</script>
<script type="module">${page}</script>
</body>
</html>
`
}

function policy(scripts: readonly string[], styles: readonly string[]): string {
  const digests = (texts: readonly string[]): string =>
    texts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`).join(' ')
  return [
    `default-src 'none'`,
    `script-src ${digests(scripts)}`,
    `style-src ${digests(styles)}`,
    `img-src data:`,
    `base-uri 'none'`,
    `form-action 'none'`,
  ].join('; ')
}

/** JSON that can't end its element, begin a comment or be taken for a line's end by a script. */
export function jsonInHtml(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('>', '\\u003e')
    .replaceAll('&', '\\u0026')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
}
