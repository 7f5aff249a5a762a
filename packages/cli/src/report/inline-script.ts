import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { invariant } from '@mpibatch/batch-core'

/**
 * Puts a module and all modules that it imports into one script that imports nothing, for a file that may load nothing.
 * Each module keeps a scope of its own. For our own pages only: they import by name from files beside them, not in
 * circles, and export declarations.
 *
 * @param path - The compiled module.
 */
export function inlineModules(path: string): string {
  const names = new Map<string, string>()
  const parts: string[] = []
  const visit = (file: string): string => {
    const known = names.get(file)
    if (known !== undefined) return known
    const text = readFileSync(file, 'utf8')
      .replace(IMPORT, (_, imported: string, specifier: string) => {
        const from = visit(join(dirname(file), specifier))
        return `const {${imported.replaceAll(' as ', ': ')}} = ${from};`
      })
      .replace(/^export \{\};?$/gm, '')
    const exported = [...text.matchAll(EXPORT)].map(([, name]) => name)
    const body = text.replace(EXPORT, (declaration) => declaration.slice('export '.length))
    invariant(!/^(import|export)\b/m.test(body), `${file} imports or exports in a way that can't be inlined`)
    const name = `module${names.size}`
    names.set(file, name)
    parts.push(`const ${name} = (() => {\n${body}\nreturn { ${exported.join(', ')} };\n})();`)
    return name
  }
  visit(path)
  // Nothing in a script element may end it, or begin a comment of HTML.
  return parts.join('\n').replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--')
}

const IMPORT = /^import \{([^}]*)\} from '(\.\/[\w-]+\.js)';?$/gm
const EXPORT = /^export (?:async )?(?:function\*?|const|class) (\w+)/gm
