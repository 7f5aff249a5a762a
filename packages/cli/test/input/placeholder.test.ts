import { ConfigError } from '@mpibatch/batch-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileTemplate, renderTemplate, type TaskFact, takePathPart } from '../../src/input/placeholder.ts'

const SEED = 20_261_121
const FACTS: readonly TaskFact[] = ['number', 'slot', 'name', 'directory', 'attempt']

function render(
  text: string,
  values: Readonly<Record<string, string>>,
  options: { shell?: boolean } = {},
): string {
  const columns = Object.keys(values)
  const template = compileTemplate(text, { columns, facts: FACTS, ...options })
  const fill = {
    value: (column: number) => Object.values(values)[column] ?? '',
    fact: (fact: TaskFact) => `<${fact}>`,
  }
  return renderTemplate(template, fill, options)
}

describe('a placeholder', () => {
  it('stands for the value, or a part of its path', () => {
    const values = { 1: '/data/run.1/sample.tar.gz' }
    expect(render('{}', values)).toBe('/data/run.1/sample.tar.gz')
    expect(render('{.}', values)).toBe('/data/run.1/sample.tar')
    expect(render('{/}', values)).toBe('sample.tar.gz')
    expect(render('{//}', values)).toBe('/data/run.1')
    expect(render('{/.}', values)).toBe('sample.tar')
    expect(render('a{}b{}c', { 1: 'x' })).toBe('axbxc')
  })

  it.each([
    ['a', 'a', 'a', '.', 'a'],
    ['a.b', 'a', 'a.b', '.', 'a'],
    ['.bashrc', '', '.bashrc', '.', ''],
    ['/a.b/c', '/a.b/c', 'c', '/a.b', 'c'],
    ['a.b/.c', 'a.b/', '.c', 'a.b', ''],
    ['a/', 'a/', '', '.', ''],
    ['a.', 'a.', 'a.', '.', 'a.'],
    ['/', '/', '', '/', ''],
    ['', '', '', '.', ''],
  ])('cuts %j as GNU parallel does', (path, stem, base, directory, baseStem) => {
    expect([
      takePathPart(path, '.'),
      takePathPart(path, '/'),
      takePathPart(path, '//'),
      takePathPart(path, '/.'),
    ]).toEqual([stem, base, directory, baseStem])
  })

  it('stands for one of several values by number or name', () => {
    const values = { file: 'd/a.txt', 'size in cm': '5' }
    expect(render('{1} {2} {file} {size in cm}', values)).toBe('d/a.txt 5 d/a.txt 5')
    expect(render('{1.} {1/} {1//} {1/.} {file/.}', values)).toBe('d/a a.txt d a a')
    expect(render('{}', values)).toBe('d/a.txt 5')
    expect(render('{/}', values)).toBe('a.txt 5')
  })

  it('stands for facts about the task, unless a column has that name', () => {
    expect(render('{#} {%} {name} {dir} {attempt}', { 1: 'x' })).toBe(
      '<number> <slot> <name> <directory> <attempt>',
    )
    expect(render('{name} {#}', { name: 'Ada' })).toBe('Ada <number>')
  })

  it('stands for a column that is called by a number before it counts columns', () => {
    const template = compileTemplate('{2} {1} {3}', { columns: ['2', 'x', '1'], facts: [] })
    const columns = template.parts.flatMap((part) => (part.kind === 'values' ? part.columns : []))
    expect(columns).toEqual([0, 2, 2])
  })

  it('is no placeholder with two braces, and closing braces are plain', () => {
    expect(render('{{print $1}', { 1: 'x' })).toBe('{print $1}')
    expect(render('{{{}} }', { 1: 'x' })).toBe('{x} }')
    expect(render('{{}', { 1: 'x' })).toBe('{}')
    expect(render('}{{{{', { 1: 'x' })).toBe('}{{')
  })

  it.each([
    [
      '{foo}',
      '{foo} is no placeholder; there are {} {.} {/} {//} {/.} {beta} {#} {%} {name} {dir} {attempt}.',
    ],
    ['{2}', '{2} is no placeholder'],
    ['{0}', '{0} is no placeholder'],
    ['{-1}', '{-1} is no placeholder'],
    ['{print $1}', 'Write {{ for a literal brace: {{print $1}'],
    ['{"a":1}', 'Write {{ for a literal brace: {{"a":1}'],
    ['{a,b}', 'Write {{ for a literal brace: {{a,b}'],
    ['x {', '{ is no placeholder'],
    ['{constructor}', '{constructor} is no placeholder'],
    ['{ {} }', 'is no placeholder'],
  ])('is not %s', (text, message) => {
    expect(() => render(text, { beta: '1' })).toThrow(message)
    expect(() => render(text, { beta: '1' })).toThrow(ConfigError)
  })

  it('has only the facts that are known where it stands', () => {
    expect(() => compileTemplate('{dir}', { columns: ['1'], facts: ['number'] })).toThrow(
      /\{dir\} is no placeholder; .* \{1\} \{#\}\./,
    )
  })

  it(`leaves text alone and puts values in unchanged (seed ${SEED})`, () => {
    const piece = fc.oneof(
      fc.string().map((text) => ({ template: text.replaceAll('{', '{{'), rendered: () => text })),
      fc.constant({ template: '{1}', rendered: ([one]: string[]) => one ?? '' }),
      fc.constant({ template: '{2}', rendered: ([, two]: string[]) => two ?? '' }),
      fc.constant({ template: '{}', rendered: (values: string[]) => values.join(' ') }),
    )
    fc.assert(
      fc.property(fc.array(piece), fc.string(), fc.string(), (pieces, one, two) => {
        const text = pieces.map(({ template }) => template).join('')
        const expected = pieces.map(({ rendered }) => rendered([one, two])).join('')
        expect(render(text, { 1: one, 2: two })).toBe(expected)
      }),
      { seed: SEED, numRuns: 500 },
    )
  })
})

describe('a placeholder in a line for the shell', () => {
  it('is quoted for the place where it stands', () => {
    const shell = { shell: true }
    expect(render('cat {}', { 1: 'a b' }, shell)).toBe("cat 'a b'")
    expect(render('cat {}', { 1: "it's" }, shell)).toBe("cat 'it'\\''s'")
    expect(render('cat "{}.txt"', { 1: 'a' }, shell)).toBe(`cat ""'a'".txt"`)
    expect(render("cat '{}.txt'", { 1: 'a' }, shell)).toBe("cat '''a''.txt'")
    expect(render('cat {}', { 1: 'a b', 2: 'c' }, shell)).toBe("cat 'a b' 'c'")
    expect(render('cat "{}"', { 1: 'a b', 2: 'c' }, shell)).toBe(`cat ""'a b c'""`)
    expect(render('echo $((2 * {#}))', { 1: 'a' }, shell)).toBe('echo $((2 * <number>))')
    expect(render('echo $((2 * {}))', { 1: '-12' }, shell)).toBe('echo $((2 * -12))')
    for (const value of ['a', '', '1 2', '$(touch x)', 'x[$(touch x)]', '1\n']) {
      expect(() => render('echo $((2 * {}))', { 1: value }, shell)).toThrow(/takes numbers only/)
    }
  })

  it('leaves the braces of the shell alone', () => {
    const line = 'echo $' + '{HOME} "$' + '{x:-y}" {}'
    expect(render(line, { 1: 'a' }, { shell: true })).toBe(line.replace('{}', "'a'"))
    expect(render('f() {{ cat {}; }; f', { 1: 'a' }, { shell: true })).toBe("f() { cat 'a'; }; f")
  })

  it.each([
    ['echo $' + '{beta}', /could be the shell's variable or the placeholder/],
    ['echo $' + '{x:-{}}', /inside a parameter expansion/],
    ['echo `cat {}`', /behind a backtick; write \$\(…\)/],
    ['echo \\{}', /behind a backslash/],
    ['echo x # {}', /in a comment/],
    ['cat <<E\n{}\nE', /behind a here-document/],
    ["echo $'a' {}", /behind \$'…'/],
    ['echo "$(case x in x) echo y;; esac)" {}', /behind a case/],
  ])('is refused in %j, where quotes would not hold', (line, message) => {
    expect(() => render(line, { beta: '1' }, { shell: true })).toThrow(message)
  })
})
