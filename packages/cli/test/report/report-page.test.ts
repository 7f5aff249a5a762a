import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts'
import { inlineModules } from '../../src/report/inline-script.ts'
import { logLinker } from '../../src/report/log-links.ts'
import { jsonInHtml, REPORT_MARK } from '../../src/report/report-page.ts'
import { checkReportPlace, writeReport } from '../../src/report/write-report.ts'

describe('the file of a report', () => {
  it('holds data that can end no element and begin no comment', () => {
    const hostile = { name: '</script><!--<b>&amp;\u2028' }
    const text = jsonInHtml(hostile)
    expect(text).not.toMatch(/[<>&\u2028]/)
    expect(JSON.parse(text)).toEqual(hostile)
  })

  it('holds modules that keep their names to themselves', () => {
    const folder = temporaryDirectory()
    const write = (name: string, text: string): void => writeFileSync(join(folder, `${name}.js`), text)
    write(
      'a',
      "import { twice as double } from './b.js';\nimport { one } from './c.js';\nresult.push(double(one));\n",
    )
    write(
      'b',
      "import { one } from './c.js';\nconst half = one;\nexport function twice(x) { return x + half; }\n",
    )
    write('c', 'const half = 20;\nexport const one = half + 1;\nexport {};\n')
    const result: number[] = []
    new Function('result', inlineModules(join(folder, 'a.js')))(result)
    expect(result).toEqual([42])
    write('d', "export * from './c.js';\n")
    expect(() => inlineModules(join(folder, 'd.js'))).toThrow(/can't be inlined/)
  })

  it('replaces an older report, and nothing else', () => {
    const folder = temporaryDirectory()
    const path = join(folder, 'r.html')
    checkReportPlace(path)
    writeReport(path, `${REPORT_MARK}one`)
    checkReportPlace(path)
    writeReport(path, `${REPORT_MARK}two`)
    expect(readFileSync(path, 'utf8')).toBe(`${REPORT_MARK}two`)
    expect(readdirSync(folder)).toEqual(['r.html'])
    writeFileSync(path, 'precious')
    expect(() => checkReportPlace(path)).toThrow(/is no report of mpibatch/)
    expect(() => checkReportPlace(folder)).toThrow(/is no report of mpibatch/)
    expect(() => checkReportPlace(join(folder, 'no/r.html'))).toThrow(/There is no directory/)
  })

  it('links logs that are there, by a path from the report, whatever a task is called', () => {
    const root = join(temporaryDirectory(), 'my root')
    const name = 'a b#?%"<é'
    mkdirSync(join(root, name), { recursive: true })
    writeFileSync(join(root, name, 'stdout'), 'out')
    writeFileSync(join(root, name, 'stderr'), '')
    symlinkSync(name, join(root, 'link'))
    mkdirSync(join(root, 'other'))
    symlinkSync('/etc/passwd', join(root, 'other', 'stdout'))
    const linksFrom = (directory: string): ReturnType<typeof logLinker> =>
      logLinker(directory, (task) => join(root, task))
    const { stdout, ...rest } = linksFrom(join(root, '../reports'))(name)
    expect(rest).toEqual({})
    expect(decodeURIComponent(stdout ?? '')).toBe(`../my root/${name}/stdout`)
    expect(stdout).toMatch(/^[\w./%-]+$/)
    for (const task of ['link', 'other', 'missing']) expect(linksFrom(root)(task)).toEqual({})
  })
})
