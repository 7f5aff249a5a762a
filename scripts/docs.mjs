/**
 * Makes the pages in `docs/library` from the comments (TSDoc) of what a job script imports from 'mpibatch'.
 *
 *     node scripts/docs.mjs            writes the pages
 *     node scripts/docs.mjs --check    says what differs, and exits with 1 if anything does
 *
 * It reads the built declarations, so the packages have to be built before. Which names stand on which page is in
 * `docs/pages.mjs`. A fault in a comment, a link to nothing in any page of the project, and a type that a page mentions and no page explains end it
 * with exit code 1.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { ApiItemKind, ApiModel } from '@microsoft/api-extractor-model'
import { anchorOf } from './docs/anchor.mjs'
import { findDeadLinks } from './docs/links.mjs'
import { headingOf, isOwnReference, isPlainData, writePage } from './docs/page.mjs'
import { PAGES, UNDOCUMENTED } from './docs/pages.mjs'

const root = join(import.meta.dirname, '..')
const project = join(root, 'packages/cli')
const entry = join(project, 'dist/index.d.ts')
const pagesDirectory = join(root, 'docs/library')
const faults = []

/** Reads the declarations; gives the exported items by name. */
function readModel() {
  const directory = mkdtempSync(join(tmpdir(), 'mpibatch-docs-'))
  try {
    const file = join(directory, 'mpibatch.api.json')
    Extractor.invoke(ExtractorConfig.prepare(extractorOptions(file)), {
      localBuild: true,
      messageCallback: note,
    })
    const [entryPoint] = new ApiModel().loadPackage(file).entryPoints
    return new Map(entryPoint.members.map((item) => [item.displayName, item]))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function extractorOptions(apiJsonFilePath) {
  const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.base.json'), 'utf8'))
  return {
    configObjectFullPath: undefined,
    packageJsonFullPath: join(project, 'package.json'),
    configObject: {
      projectFolder: project,
      mainEntryPointFilePath: entry,
      bundledPackages: ['@mpibatch/batch-core', '@mpibatch/fs-state', '@mpibatch/native-mpi'],
      compiler: { overrideTsconfig: { compilerOptions, files: [entry] } },
      apiReport: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      docModel: { enabled: true, apiJsonFilePath },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'warning' } },
        tsdocMessageReporting: { default: { logLevel: 'warning' } },
        // They are about releases and reports, which we have none of.
        extractorMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  }
}

function note(message) {
  message.handled = true
  if (message.logLevel !== 'warning' && message.logLevel !== 'error') return
  faults.push(`${message.sourceFilePath}:${message.sourceFileLine}: ${message.text}`)
}

/** Where each name is explained, as a link from another page. */
function placesOf(items) {
  const places = new Map()
  const add = (file, name, heading) => places.set(name, { file, anchor: anchorOf(heading) })
  for (const { file, names } of PAGES) {
    for (const name of names) {
      const item = items.get(name)
      if (item === undefined) faults.push(`scripts/docs/pages.mjs: 'mpibatch' exports no ${name}`)
      if (item === undefined) continue
      add(file, name, headingOf(item))
      for (const member of item.members) {
        add(file, `${name}.${member.displayName}`, isPlainData(item) ? headingOf(item) : headingOf(member))
      }
    }
  }
  return places
}

/** Makes sure that every export is either explained or left out on purpose, and that what pages mention is explained. */
function checkWhole(items, places) {
  for (const name of items.keys()) {
    if (places.has(name) === UNDOCUMENTED.has(name)) {
      faults.push(`scripts/docs/pages.mjs: ${name} must stand on one page, or among UNDOCUMENTED`)
    }
  }
  for (const name of places.keys()) {
    for (const item of saidNothingOf(items.get(name))) faults.push(`Nothing is said of ${headingOf(item)}`)
    for (const mentioned of mentionsOf(items.get(name))) {
      if (!places.has(mentioned)) faults.push(`${name} mentions ${mentioned}, which no page explains`)
    }
  }
}

/** An item and its methods, so far as they have no comment. Of an overloaded method the first has it. */
function saidNothingOf(item) {
  if (item === undefined) return []
  const isMethod = ({ kind, overloadIndex }) =>
    (kind === ApiItemKind.Method || kind === ApiItemKind.MethodSignature) && overloadIndex === 1
  return [item, ...item.members.filter(isMethod)].filter(({ tsdocComment }) => tsdocComment === undefined)
}

function mentionsOf(item) {
  if (item === undefined) return []
  return [item, ...item.members].flatMap((part) =>
    part.excerptTokens.filter(isOwnReference).map(({ text }) => text.split('.')[0]),
  )
}

function makePages() {
  const items = readModel()
  const places = placesOf(items)
  checkWhole(items, places)
  return new Map(
    PAGES.map((page) => {
      const linkTo = (name, from) => {
        const place = places.get(name)
        if (place === undefined) faults.push(`${page.file}, ${from}: {@link ${name}} leads nowhere`)
        if (place === undefined) return ''
        return place.file === page.file ? `#${place.anchor}` : `${place.file}#${place.anchor}`
      }
      const onPage = page.names.map((name) => items.get(name)).filter((item) => item !== undefined)
      return [page.file, writePage(page, onPage, linkTo)]
    }),
  )
}

function checkPages(pages) {
  for (const [file, text] of pages) {
    const path = join(pagesDirectory, file)
    const current = existsSync(path) ? readFileSync(path, 'utf8') : undefined
    if (current !== text) faults.push(`docs/library/${file} is not what the comments say now: npm run docs`)
  }
}

function writePages(pages) {
  mkdirSync(pagesDirectory, { recursive: true })
  for (const [file, text] of pages) writeFileSync(join(pagesDirectory, file), text)
}

if (!existsSync(entry)) throw new Error(`${entry} is missing: npm run build`)
const pages = makePages()
if (process.argv.includes('--check')) checkPages(pages)
else writePages(pages)
for (const file of existsSync(pagesDirectory) ? readdirSync(pagesDirectory) : []) {
  if (!pages.has(file)) faults.push(`docs/library/${file} belongs to no page of scripts/docs/pages.mjs`)
}
faults.push(...findDeadLinks(root))
for (const fault of faults) process.stderr.write(`docs: ${fault}\n`)
process.exitCode = faults.length === 0 ? 0 : 1
