/** Turns the text of a documentation comment, as TSDoc's parser understood it, into Markdown. */
import { DocNodeKind } from '@microsoft/tsdoc'

/**
 * @param node - A node of the comment, or nothing.
 * @param linkTo - Gives the target of a name in `{@link}`, such as `Batch.close`.
 * @returns Markdown without white space around it; empty for nothing.
 */
export function toMarkdown(node, linkTo) {
  return node === undefined ? '' : render(node, linkTo).trim()
}

function render(node, linkTo) {
  switch (node.kind) {
    case DocNodeKind.PlainText:
      return node.text
    case DocNodeKind.SoftBreak:
      return '\n'
    case DocNodeKind.CodeSpan:
      return `\`${node.code}\``
    case DocNodeKind.EscapedText:
      return node.encodedText
    case DocNodeKind.ErrorText:
      return node.text
    case DocNodeKind.FencedCode:
      return `\n\`\`\`${node.language}\n${node.code.trimEnd()}\n\`\`\`\n\n`
    case DocNodeKind.LinkTag:
      return renderLink(node, linkTo)
    case DocNodeKind.Paragraph: {
      const text = renderAll(node.nodes, linkTo)
        .replaceAll(/[ \t]+/g, ' ')
        .replaceAll(/ ?\n ?/g, '\n')
        .trim()
      return text === '' ? '' : `${text}\n\n`
    }
    default:
      return renderAll(node.getChildNodes(), linkTo)
  }
}

function renderAll(nodes, linkTo) {
  return nodes.map((node) => render(node, linkTo)).join('')
}

function renderLink(node, linkTo) {
  if (node.urlDestination !== undefined)
    return `[${node.linkText ?? node.urlDestination}](${node.urlDestination})`
  const name = (node.codeDestination?.memberReferences ?? [])
    .map((member) => member.memberIdentifier?.identifier ?? member.memberSymbol?.symbolReference.toString())
    .join('.')
  return `[${node.linkText ?? `\`${name}\``}](${linkTo(name)})`
}
