import { chmodSync, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { findProgram } from '../../src/input/command-check.ts'
import { type CommandPlan, type CommandTemplate, planCommandTasks } from '../../src/input/plan.ts'
import { TaskList, taskListOf } from '../../src/input/task-list.ts'
import { defineTasks } from '../../src/input/task-name.ts'
import { readTaskList } from '../../src/input/task-source.ts'
import { useTempFiles } from './temp-files.ts'

const files = useTempFiles()
const place = { slot: 2, attempt: 3, directory: '/root/task' }

function listOf(...values: string[]): TaskList {
  return new TaskList(new Map([['1', values]]))
}

function plan(
  command: string[] | string,
  options: {
    list?: TaskList
    name?: string
    environment?: Record<string, string>
    inTaskDirectory?: boolean
  } = {},
): CommandPlan {
  const template: CommandTemplate =
    typeof command === 'string' ? { kind: 'shell', line: command } : { kind: 'words', words: command }
  return planCommandTasks({
    list: options.list ?? listOf('a', 'b c'),
    nameTemplate: options.name ?? 'task_{#}',
    command: template,
    environment: options.environment ?? {},
    inTaskDirectory: options.inTaskDirectory ?? false,
  })
}

function fingerprint(...args: Parameters<typeof plan>): string | undefined {
  return plan(...args).tasks.at(0)?.fingerprint
}

/** Bytes on the heap that are in use, without what the collector would free. */
function heapSize(): number {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  return process.memoryUsage().heapUsed
}

describe('the plan of a run', () => {
  it('names its tasks, with six digits', () => {
    const { tasks } = plan(['echo'])
    expect(Array.from(tasks, ({ name }) => name)).toEqual(['task_000001', 'task_000002'])
    expect(Array.from(tasks, ({ values }) => values)).toEqual([{ 1: 'a' }, { 1: 'b c' }])
    expect(plan(['echo', '{#}'], { name: '{1}-{#}' }).tasks.at(1)?.name).toBe('b c-000002')
  })

  it('puts values into words, each of which stays one word', () => {
    const { renderCommand } = plan(['cp', '{}', '--to={}.out', '{#}/{%}/{attempt}', '{dir}/{name}'])
    expect(renderCommand(1, place)).toEqual(['cp', 'b c', '--to=b c.out', '2/2/3', '/root/task/task_000002'])
  })

  it('appends the values where there is no placeholder', () => {
    const pairs = new TaskList(
      new Map([
        ['x', ['1', 'a b']],
        ['y', ['2', '']],
      ]),
    )
    expect(plan(['echo', '-n'], { list: pairs }).renderCommand(1, place)).toEqual(['echo', '-n', 'a b', ''])
    expect(plan('echo -n\n', { list: pairs }).renderCommand(1, place)).toEqual([
      '/bin/sh',
      '-c',
      "echo -n 'a b' ''",
    ])
  })

  it('appends nothing where any placeholder stands', () => {
    expect(plan(['echo', '{#}']).renderCommand(0, place)).toEqual(['echo', '1'])
    expect(plan('echo {#}').renderCommand(0, place)).toEqual(['/bin/sh', '-c', "echo '1'"])
    expect(plan(['echo', '{{}']).renderCommand(0, place)).toEqual(['echo', '{}', 'a'])
  })

  it.each([
    ['echo "x', /where a quote or parenthesis is open/],
    ['echo x &', /behind &/],
    ['echo x # note', /in a comment/],
    ['echo x;', /behind ;/],
  ])('refuses to append to %j', (line, message) => {
    expect(() => plan(line)).toThrow(message)
  })

  it('shows what a task runs on one line', () => {
    const [, task] = plan(['sim', '{}', '{dir}'], {
      environment: { B: '2 3', A: '1' },
      inTaskDirectory: true,
    }).tasks
    expect(task?.summary).toBe("A=1 B='2 3' sim 'b c' '{dir}' (in its directory)")
    expect(plan('echo {}\necho').tasks.at(0)?.summary).toBe("echo 'a'\\necho")
    expect(plan(['x', 'y'.repeat(1000)]).tasks.at(0)?.summary).toHaveLength(500)
  })

  it('has a fingerprint of 16 digits that stays the same between runs', () => {
    expect(fingerprint(['echo', '{}'])).toMatch(/^[0-9a-f]{16}$/)
    expect(fingerprint(['echo', '{}'])).toBe(fingerprint(['echo']))
    expect(fingerprint(['echo', '{}', '{dir}', '{%}'])).toBe(fingerprint(['echo', '{}', '{dir}', '{%}']))
    expect(fingerprint(['x'], { environment: { A: '1', B: '2' } })).toBe(
      fingerprint(['x'], { environment: { B: '2', A: '1' } }),
    )
  })

  it('has another fingerprint for whatever would run differently', () => {
    const all = [
      fingerprint(['echo', '{}']),
      fingerprint(['echo', '-n', '{}']),
      fingerprint(['echo', '-n a']),
      fingerprint('echo {}'),
      fingerprint(['echo', '{}'], { environment: { A: '1' } }),
      fingerprint(['echo', '{}'], { inTaskDirectory: true }),
      fingerprint(['echo', '{}'], { list: listOf('b') }),
      fingerprint(['echo', '{}', '{%}']),
      fingerprint(['echo', '{}', '{{%}']),
      fingerprint(['echo', '{}', '{attempt}']),
      fingerprint(['echo', '{}', '{name}']),
      fingerprint(['echo', '{}', '{name}'], { name: 'n{#}' }),
    ]
    expect(new Set(all).size).toBe(all.length)
  })

  it('takes names and values of tasks that the root holds', () => {
    const list = taskListOf([
      { name: 'one', values: { x: 1 } },
      { name: 'two' },
      { name: 'three', values: { x: 3 } },
    ])
    const { tasks, renderCommand } = plan(['echo', '{name}'], { list })
    expect(Array.from(tasks, ({ name }) => name)).toEqual(['one', 'two', 'three'])
    expect(Array.from(tasks, ({ values }) => values)).toEqual([{ x: 1 }, { 1: 'two' }, { x: 3 }])
    expect(renderCommand(2, place)).toEqual(['echo', 'three'])
    expect(plan(['echo'], { list: taskListOf([{ name: 'two' }]) }).renderCommand(0, place)).toEqual([
      'echo',
      'two',
    ])
  })

  it('refuses a field that a task lacks, by the number of the task', () => {
    const list = new TaskList(
      new Map([
        ['x', [1, 2]],
        ['y', [1, undefined]],
      ]),
    )
    expect(() => plan(['echo', '{y}'], { list })).toThrow(
      /Task 2 has no field "y", but the command uses \{y\}/,
    )
    expect(() => plan(['echo'], { list })).toThrow(/Task 2 has no field "y"/)
    expect(plan(['echo', '{x}'], { list }).renderCommand(1, place)).toEqual(['echo', '2'])
    expect(() => plan(['echo', '{x}'], { list, name: '{y}' })).toThrow(
      /Task 2 has no field "y", but the name template uses it/,
    )
  })

  it.each([
    ['../x', /contains "\/"/],
    ['/abs', /contains "\/"/],
    ['', /is empty/],
    ['.', /not a name of its own/],
    ['..', /not a name of its own/],
    ['.mpibatch', /mpibatch itself/],
    ['a\nb', /control character/],
    ['x'.repeat(256), /256 bytes long/],
  ])('refuses the task name %j', (value, message) => {
    expect(() => plan(['echo'], { list: listOf('ok', value), name: '{}' })).toThrow(message)
    expect(() => defineTasks(listOf('ok', value), '{}')).toThrow(/The name of task 2/)
  })

  it('refuses two tasks alike, unknown columns and facts in names, and an empty command', () => {
    expect(() => plan(['echo'], { list: listOf('a', 'a'), name: '{}' })).toThrow(/Two tasks are called "a"/)
    expect(() => plan(['echo'], { name: '{beta}' })).toThrow(/\{beta\} is no placeholder/)
    expect(() => plan(['echo'], { name: '{dir}' })).toThrow(/\{dir\} is no placeholder/)
    expect(() => plan([''])).toThrow(/The command is empty/)
    expect(() => plan(' \n')).toThrow(/The command is empty/)
  })

  it('knows the program, unless a placeholder decides it', () => {
    expect(plan(['echo', '{}']).program).toBe('echo')
    expect(plan(['{}', 'x']).program).toBeUndefined()
    expect(plan('anything {}').program).toBe('/bin/sh')
  })

  it('refuses names of numbers alone that are no path components', () => {
    expect(() => plan(['echo'], { name: 'a/{#}' })).toThrow(/The name of task 1, "a\/000001", contains/)
    expect(() => plan(['echo'], { name: `${'x'.repeat(250)}{#}` })).toThrow(/256 bytes long/)
    expect(() => plan(['echo'], { name: 'same' })).toThrow(/Two tasks are called "same"/)
  })

  it('has a digest that differs wherever the tasks do', () => {
    const other = new TaskList(new Map<string, (string | number | undefined)[]>([['1', ['a', undefined]]]))
    const plans = [
      plan(['echo', '{}']),
      plan(['echo', 'x{}']),
      plan('echo {}'),
      plan(['echo', '{}'], { list: listOf('b c', 'a') }),
      plan(['echo', '{}'], { list: listOf('a', 'b c', 'd') }),
      plan(['echo', '{#}'], { list: other }),
      plan(['echo', '{}'], { name: 'other_{#}' }),
      plan(['echo', '{}'], { environment: { A: '1' } }),
      plan(['echo', '{}'], { inTaskDirectory: true }),
      plan(['echo', '{}'], { list: taskListOf([{ name: 'a' }, { name: 'b c' }]) }),
    ]
    expect(new Set(plans.map(({ tasks }) => tasks.digest)).size).toBe(plans.length)
    expect(plan(['echo', '{}']).tasks.digest).toBe(plans[0]?.tasks.digest)
  })

  it('is the same of values that another rank has read from a file', () => {
    const list = readTaskList({ kind: 'lines', file: files.write('values', 'a\nb c\n') })
    const shared = TaskList.from(structuredClone(list.data))
    const plans = [list, shared, listOf('a', 'b c')].map((one) => [
      ...plan(['echo', '{}'], { list: one }).tasks,
    ])
    for (const tasks of plans.slice(1)) {
      expect(tasks.map(({ fingerprint }) => fingerprint)).toEqual(
        plans[0]?.map(({ fingerprint }) => fingerprint),
      )
      expect(tasks.map(({ values }) => values)).toEqual([{ 1: 'a' }, { 1: 'b c' }])
    }
  })

  it('keeps a million tasks in no memory of their own', () => {
    const count = 1_000_000
    const list = new TaskList(new Map([['1', Array.from({ length: count }, (_, index) => index)]]))
    const before = heapSize()
    const { tasks } = plan(['echo', '{}'], { list })
    expect((heapSize() - before) / count).toBeLessThan(1)
    expect(tasks).toHaveLength(count)
    expect(tasks.at(count - 1)?.name).toBe('task_1000000')
  })
})

describe('the program of a command', () => {
  const executable = (name: string): string => {
    const path = files.write(name, '#!/bin/sh\n')
    chmodSync(path, 0o755)
    return path
  }

  it('is found by path, or in the PATH of the tasks', () => {
    const path = executable('program')
    expect(findProgram(path, {})).toBe(path)
    expect(findProgram('program', { PATH: ['/nowhere', files.directory].join(delimiter) })).toBe(path)
    expect(findProgram('sh', {})).toMatch(/\/sh$/)
  })

  it('is refused with the reason if it is missing, no program, or a directory', () => {
    const plain = files.write('plain', '#!/bin/sh\n')
    mkdirSync(join(files.directory, 'folder'))
    chmodSync(plain, 0o644)
    expect(() => findProgram('no-such-program', { PATH: files.directory })).toThrow(
      /no program "no-such-program" on the PATH/,
    )
    expect(() => findProgram('./no-such-program', {})).toThrow(/There is no program .*no-such-program/)
    expect(() => findProgram(plain, {})).toThrow(/plain may not be executed.*chmod \+x/)
    expect(() => findProgram('plain', { PATH: files.directory })).toThrow(/plain may not be executed/)
    expect(() => findProgram(join(files.directory, 'folder'), {})).toThrow(/is a directory/)
  })
})
