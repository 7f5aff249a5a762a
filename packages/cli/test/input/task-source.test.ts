import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ListArgument } from '../../src/input/arguments.ts'
import { chooseTaskSource, readTaskList, type TaskSource } from '../../src/input/task-source.ts'
import { tasksFromCsv } from '../../src/input/tasks-from-csv.ts'
import { useTempFiles } from './temp-files.ts'

const SEED = 20_261_121
const files = useTempFiles()

function rows(source: TaskSource): Record<string, unknown>[] {
  const list = readTaskList(source)
  return Array.from({ length: list.taskCount }, (_, index) => list.valuesOf(index))
}

function lines(content: string | Uint8Array): unknown[] {
  return rows({ kind: 'lines', file: files.write('list.txt', content) }).map((row) => row['1'])
}

function table(content: string, format: 'csv' | 'tsv' = 'csv'): Record<string, unknown>[] {
  return rows({ kind: 'table', file: files.write(`table.${format}`, content), format })
}

function json(content: string): Record<string, unknown>[] {
  return rows({ kind: 'json', file: files.write('list.json', content) })
}

function values(...words: string[]): ListArgument {
  return { kind: 'values', paired: false, words }
}

function paired(...words: string[]): ListArgument {
  return { kind: 'values', paired: true, words }
}

describe('the source of tasks', () => {
  it('is the one that is named, or none', () => {
    expect(chooseTaskSource({}, [])).toBeUndefined()
    expect(chooseTaskSource({ argFile: '-' }, [])).toEqual({ kind: 'lines', file: '-' })
    expect(chooseTaskSource({ tsv: 'x' }, [])).toEqual({ kind: 'table', file: 'x', format: 'tsv' })
  })

  it('is refused when two are named', () => {
    expect(() => chooseTaskSource({ argFile: 'x', csv: 'y' }, [])).toThrow(/come from -a and --csv at once/)
    expect(() => chooseTaskSource({ array: '1-3' }, [values('a')])).toThrow(/--array and ::: at once/)
    expect(() => chooseTaskSource({ fromJson: 'x' }, [{ ...values('f'), kind: 'files' }])).toThrow(
      /--from-json and ::::/,
    )
  })
})

describe('a list of lines', () => {
  it('has a task for each line, blanks and all', () => {
    expect(lines('a\n b \nc,d\n')).toEqual(['a', ' b ', 'c,d'])
  })

  it('may lack its last line end, have those of Windows, a byte order mark, and empty lines', () => {
    expect(lines('a\nb')).toEqual(['a', 'b'])
    expect(lines('a\r\nb\r\n')).toEqual(['a', 'b'])
    expect(lines('\ufeffa\n')).toEqual(['a'])
    expect(lines('\na\n\n\r\nb\n\n')).toEqual(['a', 'b'])
  })

  it.each([
    ['an empty file', '', /The list of tasks is empty: .*list\.txt" holds none/],
    ['only empty lines', '\n\n', /is empty/],
    ['a NUL byte', 'a\nb\0c\n', /Line 2 of .*NUL byte: it is not a text list/],
    ['bytes that are no UTF-8', Buffer.from([0x61, 0x0a, 0x0a, 0xff, 0x0a]), /Line 3 of .*not UTF-8/],
    ['UTF-8 that is cut off', Buffer.from([0x61, 0x0a, 0xe2, 0x82]), /Line 2 of .*not UTF-8/],
    ['a line of more than 1 MiB', `a\n${'x'.repeat(1_500_000)}`, /Line 2 of .* longer than 1 MiB/],
  ])('is refused for %s', (_, content, message) => {
    expect(() => lines(content)).toThrow(message)
  })

  it('is refused by name if it is missing or a directory', () => {
    const missing = join(files.directory, 'missing')
    expect(() => readTaskList({ kind: 'lines', file: missing })).toThrow(/missing" does not exist/)
    expect(() => readTaskList({ kind: 'lines', file: files.directory })).toThrow(/is a directory, not a list/)
    expect(() => readTaskList({ kind: 'json', file: join(missing, 'x') })).toThrow(/does not exist/)
  })

  it.skipIf(process.getuid?.() === 0)('is refused by name if it may not be read', () => {
    const file = files.write('secret', 'a')
    chmodSync(file, 0)
    expect(() => readTaskList({ kind: 'lines', file })).toThrow(/secret" may not be read by you/)
  })

  it('comes in from a pipe too', () => {
    const fifo = join(files.directory, 'fifo')
    execFileSync('mkfifo', [fifo])
    execFileSync('/bin/sh', ['-c', `(printf 'a\\nb\\n' >${fifo}) >/dev/null 2>&1 &`], { stdio: 'ignore' })
    expect(rows({ kind: 'lines', file: fifo })).toEqual([{ 1: 'a' }, { 1: 'b' }])
  })

  it(`gives back every line, however long the file (seed ${SEED})`, () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'é', '😀', ' ', ','), minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 20 }),
        fc.constantFrom(1, 3000),
        (texts, repeat) => {
          const all = Array.from({ length: repeat }, () => texts).flat()
          expect(lines(all.join('\n'))).toEqual(all)
        },
      ),
      { seed: SEED, numRuns: 25 },
    )
  })
})

describe('lists behind the command', () => {
  const combine = (...lists: ListArgument[]): string[] =>
    rows({ kind: 'lists', lists }).map((row) => Object.values(row).join(''))

  it('give all combinations, the last list changing fastest', () => {
    expect(combine(values('a', 'b'))).toEqual(['a', 'b'])
    expect(combine(values('a', 'b'), values('1', '2'), values('x'))).toEqual(['a1x', 'a2x', 'b1x', 'b2x'])
  })

  it('go row by row where they are paired', () => {
    expect(combine(values('a', 'b'), paired('1', '2'))).toEqual(['a1', 'b2'])
    expect(combine(values('a', 'b'), paired('1', '2'), values('x', 'y'))).toEqual([
      'a1x',
      'a1y',
      'b2x',
      'b2y',
    ])
  })

  it('may come from files, each a list of its own', () => {
    const words = [files.write('one', 'a\nb\n'), files.write('two', '1\n2\n')]
    expect(combine({ kind: 'files', paired: false, words })).toEqual(['a1', 'a2', 'b1', 'b2'])
  })

  it('keep empty values', () => {
    expect(rows({ kind: 'lists', lists: [values('', 'a')] })).toEqual([{ 1: '' }, { 1: 'a' }])
  })

  it.each([
    ['an empty list', [values()], /List 1 behind the command is empty/],
    ['a second one that is empty', [values('a'), values()], /List 2 behind the command is empty/],
    ['no file behind ::::', [{ ...values(), kind: 'files' as const }], /:::: has no file/],
    ['a pair of different length', [values('a', 'b'), paired('1')], /List 2 has 1 values.* has 2/],
    ['a pair without a partner', [paired('a')], /no list before it/],
    [
      'too many combinations',
      Array.from({ length: 5 }, () => values(...'0123456789abcdefghijklmnopqrstuvwxyz')),
      /more than 10,000,000/,
    ],
  ])('are refused for %s', (_, lists, message) => {
    expect(() => combine(...lists)).toThrow(message)
  })
})

describe('a table', () => {
  it('names its columns in the first line', () => {
    expect(table('beta,gamma\n0.1,0.2\n0.3,0.4\n')).toEqual([
      { beta: '0.1', gamma: '0.2' },
      { beta: '0.3', gamma: '0.4' },
    ])
  })

  it('may quote commas, quotes and line ends, and begin with a byte order mark', () => {
    expect(table('\ufeffname, text \n"a ""b""","x,\ny"\r\n\nc,d')).toEqual([
      { name: 'a "b"', text: 'x,\ny' },
      { name: 'c', text: 'd' },
    ])
  })

  it('keeps the order of columns whose names are numbers', () => {
    const list = readTaskList({
      kind: 'table',
      file: files.write('years.csv', 'b,2024,a\nx,y,z'),
      format: 'csv',
    })
    expect(list.columns).toEqual(['b', '2024', 'a'])
    expect([list.cell(0, 0), list.cell(0, 1), list.cell(0, 2)]).toEqual(['x', 'y', 'z'])
  })

  it('takes quotes as they are when it is parted by tabs', () => {
    expect(table('a\tb\n5" disk\t"x"\n', 'tsv')).toEqual([{ a: '5" disk', b: '"x"' }])
  })

  it.each([
    ['a row with too few fields', 'a,b\n1,2\n3\n', /table\.csv", line 3: there are more or fewer fields/],
    ['a row with too many fields', 'a,b\n1,2,3\n', /line 2: there are more or fewer fields/],
    [
      'a quote that is never closed',
      'a,b\n1,"2\n3,4\n',
      /line \d: a quoted field begins that is never closed/,
    ],
    ['text behind a quote', 'a,b\n1,"2"x\n', /line 2: text follows a closing quote/],
    ['a quote inside a field', 'a,b\n1,2"3\n', /line 2: a quote stands inside a field/],
    ['two columns of one name', 'a,b,a\n1,2,3\n', /Two columns .* are called "a"/],
    ['a column without a name', 'a,,b\n1,2,3\n', /Column 2 of .* has no name/],
    ['no rows', 'a,b\n', /list of tasks is empty/],
    ['no lines', '', /list of tasks is empty/],
    ['a NUL byte', 'a\nx\0\n', /Line 2 .* NUL byte/],
    ['a row of more than 1 MiB', `a\n"${'x'.repeat(1_200_000)}"\n`, /longer than 1 MiB/],
  ])('is refused for %s', (_, content, message) => {
    expect(() => table(content)).toThrow(message)
  })

  it('gives a job script its tasks, named by a template', () => {
    const file = files.write('script.csv', 'beta,gamma\n0.1,0.2\n0.3,0.4\n')
    expect(tasksFromCsv(file, { name: 'beta_{beta}' })).toEqual([
      { name: 'beta_0.1', values: { beta: '0.1', gamma: '0.2' } },
      { name: 'beta_0.3', values: { beta: '0.3', gamma: '0.4' } },
    ])
    expect(tasksFromCsv(file)[1]?.name).toBe('task_000002')
    expect(() => tasksFromCsv(file, { name: 'all' })).toThrow(/Two tasks are called "all"/)
  })
})

describe('a JSON list', () => {
  it('is an array, or a value in each line', () => {
    expect(json('["a", 2]')).toEqual([{ 1: 'a' }, { 1: 2 }])
    expect(json('"a"\n2\n\n')).toEqual([{ 1: 'a' }, { 1: 2 }])
    expect(json('[\n {"x": 1, "y": "b"},\n {"x": 2, "y": null}\n]')).toEqual([
      { x: 1, y: 'b' },
      { x: 2, y: null },
    ])
  })

  it('may leave fields out, which stay without a value', () => {
    expect(json('{"x":1}\n{"y":2}\n{"x":3,"y":4}')).toEqual([{ x: 1 }, { y: 2 }, { x: 3, y: 4 }])
  })

  it('takes fields of any name as plain data', () => {
    expect(Object.keys(json('[{"__proto__": 1}]')[0] ?? {})).toEqual(['__proto__'])
  })

  it.each([
    ['a fault in the third line', '[\n"a",\n"b" "c"\n]', /line 3: this is not valid JSON/],
    ['a fault in a line', '"a"\n{"x":1,}\n', /line 2: this is not valid JSON/],
    ['a control character', '["a\nb"]', /line 1: this is not valid JSON/],
    ['an array that is cut off', '["a",\n"b"', /line 2: the JSON text ends in the middle/],
    ['a string that is cut off', '["a",\n"b', /line 2: the JSON text ends in the middle/],
    ['a line that is cut off', '{"x":1}\n{"x":', /line 2: the JSON text ends in the middle/],
    ['a nested field', '[{"x":[1]}]', /Field "x" in item 1 .* is nested/],
    ['a nested item', '["a",["b"]]', /Item 2 of .* no string, number or flat object/],
    ['true', 'true', /Line 1 of .* no string, number or flat object/],
    ['a mixture', '["a",{"x":1}]', /Item 2 of .* differs in kind/],
    ['a number that would change', '[12345678901234567890]', /Item 1 of .* too large for an exact number/],
    ['a NUL character', '["a\\u0000"]', /Item 1 of .* NUL character/],
    ['an empty array', '[]', /list of tasks is empty/],
    ['an empty file', '', /list of tasks is empty/],
  ])('is refused for %s', (_, content, message) => {
    expect(() => json(content)).toThrow(message)
  })

  it(`names a line up to which the text is right, wherever it is cut (seed ${SEED})`, () => {
    const items = fc.array(fc.record({ x: fc.string(), y: fc.integer() }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(items, fc.nat(), (data, at) => {
        const text = JSON.stringify(data, null, 1)
        const cut = text.slice(0, 1 + (at % (text.length - 1)))
        expect(() => json(cut)).toThrow(
          `line ${cut.trimEnd().split('\n').length}: the JSON text ends in the middle`,
        )
      }),
      { seed: SEED, numRuns: 300 },
    )
  })
})
