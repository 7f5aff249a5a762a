/**
 * Templates: text with placeholders in braces, compiled once and rendered for every task.
 *
 * `{}` all values with a blank between them · `{1}` `{2}` the value of the n-th column · `{column}` that of a named one
 * · `{.}` `{/}` `{//}` `{/.}` a value without extension, its base name, its directory, its base name without extension,
 * also for one column: `{1.}` `{2//}` `{file/.}` · `{#}` number of the task from 1 · `{%}` number of the slot from 1 ·
 * `{name}` `{dir}` `{attempt}`.
 *
 * `{{` is a literal `{`; a `}` outside a placeholder stands for itself. A column goes before a placeholder of the same
 * name. In a line for the shell, `${` is the shell's.
 */
import { posix } from 'node:path'
import { ConfigError, type TaskValue } from '@mpibatch/batch-core'
import { type QuoteContext, quoteInContext, ShellQuoting } from './shell-quoting.ts'

/** What a placeholder does to each of its values. */
export type PathPart = 'whole' | '.' | '/' | '//' | '/.'

/** A placeholder that stands for a fact about the task or where it runs. */
export type TaskFact = 'number' | 'slot' | 'name' | 'directory' | 'attempt'

/** One piece of a compiled template. */
export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'values'
      readonly columns: readonly number[]
      readonly pathPart: PathPart
      readonly context: QuoteContext
    }
  | { readonly kind: 'fact'; readonly fact: TaskFact; readonly context: QuoteContext }

/** A template that is ready to be rendered. */
export interface Template {
  readonly parts: readonly TemplatePart[]
  /** Whether any placeholder stands for a task's value, so that none has to be appended. */
  readonly usesValues: boolean
  /** Whether the template renders to the same text for every task. */
  readonly constant: boolean
}

/** What placeholders a template may have, and how values are put in. */
export interface TemplateScope {
  /** Names of the columns. */
  readonly columns: readonly string[]
  /** Facts that are known when it is rendered. */
  readonly facts: readonly TaskFact[]
  /** Whether it is a line for the shell, where values are quoted. */
  readonly shell?: boolean
}

/** Where the values and facts of one task come from. */
export interface TemplateFill {
  /** Value of a column, counted from 0. */
  value(columnIndex: number): string
  fact(fact: TaskFact): string
}

const FACTS: Readonly<Record<string, TaskFact>> = {
  '#': 'number',
  '%': 'slot',
  name: 'name',
  dir: 'directory',
  attempt: 'attempt',
}
const PATH_PARTS: readonly PathPart[] = ['/.', '//', '/', '.']

/**
 * Compiles a template.
 *
 * @throws {@link ConfigError} for an unknown placeholder or column, naming those there are, and for a place in a shell
 *   line where no quotes can make a value safe.
 */
export function compileTemplate(text: string, scope: TemplateScope): Template {
  const parts: TemplatePart[] = []
  const quoting = scope.shell === true ? new ShellQuoting() : undefined
  let literal = ''
  const addLiteral = (piece: string): void => {
    literal += piece
    quoting?.accept(piece)
  }
  for (let offset = 0; offset < text.length; ) {
    const brace = text.indexOf('{', offset)
    addLiteral(text.slice(offset, brace < 0 ? undefined : brace))
    if (brace < 0) break
    if (text[brace + 1] === '{') {
      addLiteral('{')
      offset = brace + 2
      continue
    }
    const content = /^[^{}]*(?=\})/.exec(text.slice(brace + 1))?.[0]
    const found = content === undefined ? undefined : findPlaceholder(content, scope)
    if (quoting?.afterDollar === true) {
      if (found !== undefined) throw ambiguous(content ?? '')
      addLiteral('{')
      offset = brace + 1
      continue
    }
    if (content === undefined || found === undefined)
      throw unknownPlaceholder(text.slice(brace), content, scope)
    parts.push({ kind: 'text', text: literal })
    literal = ''
    parts.push({ ...found, context: contextFor(quoting, content) })
    quoting?.acceptValue()
    offset = brace + content.length + 2
  }
  parts.push({ kind: 'text', text: literal })
  return templateOf(parts)
}

/**
 * A template with the values put behind it, each a word of its own; for a shell line without placeholders.
 *
 * @throws {@link ConfigError} if the line ends where no word can be added.
 */
export function appendValues(template: Template, columns: readonly string[]): Template {
  const quoting = new ShellQuoting()
  const parts = [...template.parts]
  const last = parts.pop()
  const end = last?.kind === 'text' ? last.text.trimEnd() : ''
  for (const part of parts) {
    if (part.kind === 'text') quoting.accept(part.text)
    else quoting.acceptValue()
  }
  quoting.accept(end)
  if (quoting.endFault !== undefined) {
    throw new ConfigError(
      `The line of -c has no placeholder, and its value can't be put at its end, ${quoting.endFault}. ` +
        'Write {} where the value belongs.',
    )
  }
  const all = columns.map((_, index) => index)
  parts.push({ kind: 'text', text: `${end} ` })
  parts.push({ kind: 'values', columns: all, pathPart: 'whole', context: 'plain' })
  return templateOf(parts)
}

/** Renders a template for one task. Values of a template that is not for the shell are put in as they are. */
export function renderTemplate(
  template: Template,
  fill: TemplateFill,
  options: { readonly shell?: boolean } = {},
): string {
  let text = ''
  for (const part of template.parts) {
    if (part.kind === 'text') {
      text += part.text
      continue
    }
    const values =
      part.kind === 'fact'
        ? [fill.fact(part.fact)]
        : part.columns.map((column) => takePathPart(fill.value(column), part.pathPart))
    // Digits of ours need no quotes, nor do the signs that stand for them before a task starts.
    const plain = options.shell !== true || (part.context === 'arithmetic' && isDigits(part))
    text += plain ? values.join(' ') : quoteInContext(values, part.context)
  }
  return text
}

function isDigits(part: TemplatePart): boolean {
  return part.kind === 'fact' && ['number', 'slot', 'attempt'].includes(part.fact)
}

/** The text of a value as it is put into a command: that of `null` is empty. */
export function textOfValue(value: TaskValue): string {
  return value === null ? '' : String(value)
}

/**
 * A part of a path as GNU parallel cuts it: an extension begins with the last dot of the last component, also when that
 * is its first letter.
 */
export function takePathPart(value: string, part: PathPart): string {
  switch (part) {
    case 'whole':
      return value
    case '.':
      return value.replace(/\.[^/.]+$/, '')
    case '/':
      return value.slice(value.lastIndexOf('/') + 1)
    case '//':
      return posix.dirname(value)
    case '/.':
      return takePathPart(takePathPart(value, '/'), '.')
  }
}

type FoundPlaceholder =
  | { readonly kind: 'values'; readonly columns: readonly number[]; readonly pathPart: PathPart }
  | { readonly kind: 'fact'; readonly fact: TaskFact }

function findPlaceholder(content: string, { columns, facts }: TemplateScope): FoundPlaceholder | undefined {
  const column = columns.indexOf(content)
  if (column >= 0) return { kind: 'values', columns: [column], pathPart: 'whole' }
  const fact = Object.hasOwn(FACTS, content) ? FACTS[content] : undefined
  if (fact !== undefined) return facts.includes(fact) ? { kind: 'fact', fact } : undefined
  const pathPart = PATH_PARTS.find((suffix) => content.endsWith(suffix)) ?? 'whole'
  const stem = pathPart === 'whole' ? content : content.slice(0, -pathPart.length)
  if (stem === '') return { kind: 'values', columns: columns.map((_, index) => index), pathPart }
  const named = columns.indexOf(stem)
  const index = named < 0 && /^[1-9]\d*$/.test(stem) ? Number(stem) - 1 : named
  return index >= 0 && index < columns.length ? { kind: 'values', columns: [index], pathPart } : undefined
}

function contextFor(quoting: ShellQuoting | undefined, content: string): QuoteContext {
  if (quoting === undefined) return 'plain'
  if (quoting.fault !== undefined) {
    throw new ConfigError(
      `The line of -c has {${content}} ${quoting.fault}: its value can't be quoted safely there.`,
    )
  }
  return quoting.context
}

function ambiguous(content: string): ConfigError {
  return new ConfigError(
    `The line of -c has \${${content}}, which could be the shell's variable or the placeholder {${content}}. ` +
      `Write \${{${content}} for the shell's, or part the $ from the placeholder with quotes: '$'{${content}}.`,
  )
}

function unknownPlaceholder(
  rest: string,
  content: string | undefined,
  { columns, facts }: TemplateScope,
): ConfigError {
  const shown = content === undefined ? rest.slice(0, 20) : `{${content.slice(0, 60)}}`
  const named = columns.slice(0, 20).map((column) => `{${column}}`)
  const known = Object.entries(FACTS).filter(([, fact]) => facts.includes(fact))
  const all = ['{}', '{.}', '{/}', '{//}', '{/.}', ...named, ...known.map(([name]) => `{${name}}`)]
  return new ConfigError(
    `${shown} is no placeholder; there are ${all.join(' ')}. Write {{ for a literal brace: {${shown}`,
    { details: { placeholder: content, columns } },
  )
}

function templateOf(parts: readonly TemplatePart[]): Template {
  const kept = parts.filter((part) => part.kind !== 'text' || part.text !== '')
  return {
    parts: kept,
    usesValues: kept.some((part) => part.kind === 'values'),
    constant: kept.every((part) => part.kind === 'text'),
  }
}
