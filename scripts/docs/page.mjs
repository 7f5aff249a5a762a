/** Writes one page of `docs/library` from the model of what the library exports. */
import { ApiItemKind, ExcerptTokenKind } from '@microsoft/api-extractor-model'
import { StandardTags } from '@microsoft/tsdoc'
import { anchorOf } from './anchor.mjs'
import { toMarkdown } from './doc-text.mjs'

/** Heading of an item, whose anchor others link to. */
export function headingOf(item) {
  const owner = item.parent
  const isMember = owner?.kind === ApiItemKind.Class || owner?.kind === ApiItemKind.Interface
  return isMember ? `${owner.displayName}.${item.displayName}` : item.displayName
}

/** Whether members get sections of their own, or a list is enough. */
export function isPlainData(item) {
  return (
    item.kind === ApiItemKind.Interface &&
    item.members.every(({ kind }) => kind === ApiItemKind.PropertySignature)
  )
}

/** Whether a piece of a signature names something that the library exports. */
export function isOwnReference({ kind, canonicalReference }) {
  return (
    kind === ExcerptTokenKind.Reference && canonicalReference?.toString().startsWith('mpibatch!') === true
  )
}

/**
 * @param page - An entry of `pages.mjs`.
 * @param items - The exported items that stand on it.
 * @param linkTo - Gives the target of a name in `{@link}`.
 */
export function writePage({ title, intro }, items, linkTo) {
  const parts = [
    `# ${title}`,
    '<!-- Made from the comments in the source by `npm run docs`: change them there. -->',
    `${intro} ([all pages](../library.md))`,
    items.length > 1
      ? items.map((item) => `[${item.displayName}](#${anchorOf(headingOf(item))})`).join(' · ')
      : '',
  ]
  const errors = items.filter((item) => errorCodeOf(item) !== undefined)
  for (const item of items) if (!errors.includes(item)) parts.push(...writeItem(item, linkTo))
  if (errors.length > 0) parts.push(...errors.flatMap((item) => writeError(item, linkTo)))
  return `${parts.filter(Boolean).join('\n\n')}\n`
}

function writeItem(item, linkTo) {
  const head = [`## ${headingOf(item)}`, writeBases(item, linkTo), ...describe(item, linkTo)]
  if (item.kind === ApiItemKind.Class || item.kind === ApiItemKind.Interface) {
    if (isPlainData(item)) return [...head, writeProperties(item, linkTo)]
    return [...head, ...membersOf(item).flatMap((group) => writeMember(group, linkTo))]
  }
  return head.toSpliced(1, 0, code(item), writeTypes(item, linkTo))
}

function writeBases(item, linkTo) {
  const bases = [item.extendsType, ...(item.extendsTypes ?? [])].filter((base) => base !== undefined)
  if (bases.length === 0) return ''
  const names = bases.map(({ excerpt }) => {
    const own = excerpt.spannedTokens.find(isOwnReference)
    const text = `\`${excerpt.text.trim()}\``
    return own === undefined ? text : `[${text}](${linkTo(own.text, headingOf(item))})`
  })
  return `Extends ${names.join(', ')}.`
}

/** Members in the order of the model, overloads together; what leads to an object stands first. */
function membersOf(item) {
  const groups = new Map()
  for (const member of item.members) {
    // Objects of our classes are made by functions; a constructor is none of the caller's business.
    if (member.kind === ApiItemKind.Constructor) continue
    const key = `${member.isStatic === true} ${member.displayName}`
    groups.set(key, [...(groups.get(key) ?? []), member])
  }
  const all = [...groups.values()]
  const isProperty = ([{ kind }]) => kind === ApiItemKind.Property || kind === ApiItemKind.PropertySignature
  // What has a symbol for a name is called by the language, and stands last.
  const isCalledByLanguage = ([{ displayName }]) => displayName.startsWith('[')
  const rank = (group) =>
    group[0].isStatic === true ? 0 : isProperty(group) ? 1 : isCalledByLanguage(group) ? 3 : 2
  return all.toSorted((one, other) => rank(one) - rank(other))
}

function writeMember(group, linkTo) {
  const [first] = group
  return [
    `### ${headingOf(first)}`,
    ...group.flatMap((member) => [code(member), writeTypes(member, linkTo), ...describe(member, linkTo)]),
  ]
}

function writeProperties(item, linkTo) {
  return item.members
    .map((member) => {
      const type = member.propertyTypeExcerpt.text.replaceAll(/\s+/g, ' ')
      const types = writeTypes(member, linkTo)
      const said = describe(member, linkTo)
        .join(' ')
        .replaceAll(/\s*\n\s*/g, ' ')
      const text = [said, types === '' ? '' : `(${types})`].filter(Boolean).join(' ')
      return `- **${member.displayName}**${member.isOptional ? '?' : ''}: \`${type}\`${text === '' ? '' : ` — ${text}`}`
    })
    .join('\n')
}

/** Links to the types that a signature names. */
function writeTypes(item, linkTo) {
  const owners = new Set([item.displayName, item.parent?.displayName])
  const names = new Set(item.excerptTokens.filter(isOwnReference).map(({ text }) => text.split('.')[0]))
  const others = [...names].filter((name) => !owners.has(name))
  return others.map((name) => `[\`${name}\`](${linkTo(name, headingOf(item))})`).join(' · ')
}

function errorCodeOf(item) {
  if (item.kind !== ApiItemKind.Class) return undefined
  const property = item.members.find(({ displayName }) => displayName === 'code')
  return /^'(\w+)'$/.exec(property?.propertyTypeExcerpt.text ?? '')?.[1]
}

function writeError(item, linkTo) {
  return [`## ${item.displayName}`, `\`${errorCodeOf(item)}\``, ...describe(item, linkTo)]
}

function code(item) {
  const text = item.excerpt.text.replace(/^export (declare )?/, '').replace(/;?\s*$/, '')
  return `\`\`\`ts\n${text}\n\`\`\``
}

/** What the comment of an item says, a part each. */
function describe(item, linkTo) {
  const comment = item.tsdocComment
  if (comment === undefined) return []
  const at = (place) => (name) => linkTo(name, place)
  const text = (node) => toMarkdown(node, at(headingOf(item)))
  const blocks = (tag) =>
    comment.customBlocks
      .filter((block) => block.blockTag.tagNameWithUpperCase === tag.tagNameWithUpperCase)
      .map((block) => text(block.content))
  const list = (entries) => entries.map((entry) => `- ${entry.replaceAll('\n', '\n  ')}`).join('\n')
  const fallback = blocks(StandardTags.defaultValue)
  const thrown = blocks(StandardTags.throws)
  return [
    text(comment.summarySection),
    text(comment.remarksBlock?.content),
    list(comment.typeParams.blocks.map((block) => `\`${block.parameterName}\`: ${text(block.content)}`)),
    list(comment.params.blocks.map((block) => `\`${block.parameterName}\`: ${text(block.content)}`)),
    comment.returnsBlock === undefined ? '' : `Returns: ${text(comment.returnsBlock.content)}`,
    fallback.length === 0 ? '' : `Default: ${fallback.join(' ')}.`,
    thrown.length === 0 ? '' : `Throws\n${list(thrown)}`,
    ...blocks(StandardTags.example),
  ].filter(Boolean)
}
