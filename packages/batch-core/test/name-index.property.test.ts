import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NameIndex } from '../src/index.ts'

const SEED = 20_261_121

/** Few letters, so that names come twice; and any text. */
const name = fc.oneof(fc.string({ unit: fc.constantFrom('a', 'b', 'é'), maxLength: 4 }), fc.string())

describe('the index of names against a model', () => {
  it(`finds the last of each name, as a map does (seed ${SEED})`, () => {
    fc.assert(
      fc.property(
        fc.array(name, { maxLength: 200 }),
        fc.array(name),
        fc.nat(300),
        (names, others, expected) => {
          const index = new NameIndex((position) => names[position] ?? '', expected)
          const model = new Map<string, number>()
          for (const [position, added] of names.entries()) {
            expect(index.add(added)).toBe(!model.has(added))
            model.set(added, position)
          }
          expect(index.count).toBe(names.length)
          for (const sought of [...names, ...others]) expect(index.indexOf(sought)).toBe(model.get(sought))
        },
      ),
      { seed: SEED },
    )
  })

  it('finds each of many names', () => {
    const count = 50_000
    const index = NameIndex.of(count, (position) => `task_${position}`)
    for (let position = 0; position < count; position += 1) {
      if (index.indexOf(`task_${position}`) !== position) expect.fail(`task_${position} was not found`)
    }
    expect(index.indexOf(`task_${count}`)).toBeUndefined()
  })
})
