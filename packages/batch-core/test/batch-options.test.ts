import { describe, expect, it } from 'vitest'
import { ConfigError, checkTaskNames, taskNameFault } from '../src/index.ts'
import { resolveBatchOptions } from '../src/resolve-batch-options.ts'

describe('options of a batch', () => {
  it('get their defaults, and tasks by name become definitions', () => {
    const resolved = resolveBatchOptions({ tasks: ['a', { name: 'b', values: { beta: 0.3 } }] })
    expect(resolved).toMatchObject({ root: 'mpibatch.out', groupSize: 1, retries: 0, durability: 'terminal' })
    expect(resolved.tasks).toEqual([{ name: 'a' }, { name: 'b', values: { beta: 0.3 } }])
  })

  it('give way to what the command line says', () => {
    const resolved = resolveBatchOptions(
      { tasks: ['a'], root: 'here', groupSize: 1 },
      { root: 'there', groupSize: 2 },
    )
    expect(resolved).toMatchObject({ root: 'there', groupSize: 2 })
  })

  it.each([
    [{ tasks: ['a'], groupSize: 0 }, 'groupSize'],
    [{ tasks: ['a'], retries: -1 }, 'retries'],
    [{ tasks: ['a'], root: '' }, 'root'],
    [{ tasks: ['a'], order: 'fastest' }, 'order'],
    [{ tasks: ['a'], colour: 'red' }, 'colour'],
    [{ tasks: [] }, 'empty'],
    [{}, 'no tasks'],
    [{ tasks: [42] }, 'Task 1'],
    [{ tasks: ['a'], rootRank: -1 }, 'rootRank'],
    [{ tasks: ['a'], root: 'here', initialStates: ['OPEN'] }, 'on disk, in here'],
    [{ tasks: ['a'], initialStates: ['OPEN'] }, 'Use root: null'],
    [{ tasks: ['a', 'b'], root: null, initialStates: ['OPEN'] }, '1 states for 2 tasks'],
    [{ tasks: ['a'], root: null, initialStates: 'OPEN' }, 'no list of states for 1 tasks'],
    [{ tasks: ['a', 'b'], root: null, initialStates: ['OPEN', 'ENDED'] }, '"ENDED" for task 1'],
    [{ tasks: ['a', 'a'] }, 'Two tasks are called "a"'],
  ])('are refused in one sentence when wrong: %j', (options, words) => {
    expect(() => resolveBatchOptions(options as never)).toThrow(ConfigError)
    expect(() => resolveBatchOptions(options as never)).toThrow(words)
  })

  it('refuse tasks from script and command line at once', () => {
    expect(() => resolveBatchOptions({ tasks: ['a'] }, { tasks: [{ name: 'b' }] })).toThrow(
      'Take one of them',
    )
  })
})

describe('task names', () => {
  it.each([
    '',
    '.',
    '..',
    'a/b',
    '../x',
    '/x',
    'a\0b',
    'a\nb',
    '.mpibatch',
    'x'.repeat(256),
    'é'.repeat(128),
  ])('that are no safe directory name are refused: %j', (name) => {
    expect(taskNameFault(name)).toBeTypeOf('string')
    expect(() => checkTaskNames([{ name }])).toThrow(ConfigError)
  })

  it.each(['a', 'a b', '..a', '-rf', '$(x)', 'é'.repeat(127), 'x'.repeat(255), '日本'])(
    'that are odd but safe are taken: %j',
    (name) => {
      expect(taskNameFault(name)).toBeUndefined()
    },
  )
})
