/** Looks whether the links between the project's pages lead somewhere. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { anchorOf } from './anchor.mjs'

const FOLDERS = ['.', 'docs', 'docs/library', 'bench', 'test/cluster', 'test/cluster-mpi']

/** @returns A sentence for each link to a file, or a heading in a page, that is not there. */
export function findDeadLinks(root) {
  const pages = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(root, folder, name)),
  )
  return pages.flatMap((page) => {
    const text = withoutCode(readFileSync(page, 'utf8'))
    return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target)
      .filter((target) => !/^[a-z]+:/.test(target) && !isThere(page, target))
      .map((target) => `${relative(root, page)}: the link to ${target} leads nowhere`)
  })
}

function isThere(page, target) {
  const [path, anchor] = target.split('#')
  const file = path === '' ? page : join(dirname(page), path)
  if (!existsSync(file)) return false
  if (anchor === undefined || statSync(file).isDirectory()) return true
  const headings = withoutCode(readFileSync(file, 'utf8')).matchAll(/^#+ (.*)$/gm)
  return [...headings].some(([, heading]) => anchorOf(heading) === anchor)
}

function withoutCode(text) {
  return text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
}
