import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BufferReference, checkReference } from '../../src/shared-buffers/buffer-reference.ts'
import { PROPERTY } from '../property-options.ts'

const GOOD: BufferReference = {
  holder: '185acf18-d6ce-4b02-b93f-e2b1a2ea03b1.4026531836.14481.4748927.c2d4dd5bf11854dd',
  id: 'c655849baa9b885d4d53e9bac178e557',
  type: 'Float64Array',
  length: 6,
  sizeBytes: 48,
  shape: [2, 3],
  machine: 'node7',
}

describe('a reference to a shared buffer', () => {
  it('survives JSON, and loses what does not belong to it', () => {
    const sent = JSON.parse(JSON.stringify({ ...GOOD, extra: 1 })) as BufferReference
    expect(checkReference(sent)).toEqual(GOOD)
    expect(checkReference({ ...GOOD, length: 0, sizeBytes: 0, shape: [0, 3] }).shape).toEqual([0, 3])
  })

  it.each<[string, Record<string, unknown>]>([
    ['leads out of the directory', { holder: '../../etc' }],
    ['has a holder with a slash behind', { holder: `${GOOD.holder}/..` }],
    ['has a holder with a line behind', { holder: `${GOOD.holder}\n` }],
    ['has no holder', { holder: undefined }],
    ['has another file for an id', { id: '../../../etc/passwd' }],
    ['has an unfinished copy for an id', { id: `${GOOD.id}.new` }],
    ['has a type that every object has', { type: 'constructor' }],
    ['has a type without elements', { type: 'DataView' }],
    ['has a negative length', { length: -6, sizeBytes: -48 }],
    ['has a broken length', { length: 0.5, sizeBytes: 4 }],
    ['has a length beyond counting', { length: 2 ** 53, sizeBytes: 2 ** 56 }],
    ['has more bytes than elements', { sizeBytes: 49 }],
    ['has a text for a length', { length: '6' }],
    ['has another shape', { shape: [2, 4] }],
    ['has a shape of negative extents', { shape: [-2, -3] }],
    ['has a text for a shape', { shape: '6' }],
    ['has no machine', { machine: undefined }],
    ['has a machine as long as a book', { machine: 'x'.repeat(1000) }],
  ])('is refused if it %s', (_, change) => {
    expect(() => checkReference({ ...GOOD, ...change } as BufferReference)).toThrow(
      /no reference to a shared buffer: .* Pass what put\(\) has returned/,
    )
  })

  it('is refused, or names a file in a holder’s directory, whatever it is', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('..', '../x', '/', '', GOOD.holder, GOOD.id, '\0', `${GOOD.id}/..`),
    )
    const value = fc.oneof(fc.anything(), text)
    const record = fc.record(
      { holder: value, id: value, type: value, length: value, sizeBytes: value, shape: value },
      { requiredKeys: [] },
    )
    const changed = record.map((change) => ({ ...GOOD, ...change }))
    fc.assert(
      fc.property(fc.oneof(fc.anything(), changed), (sent) => {
        let checked: BufferReference
        try {
          checked = checkReference(sent as BufferReference)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_MPIBATCH_USAGE' })
          return
        }
        expect(`${checked.holder}/${checked.id}`).toMatch(/^[0-9a-f.-]+\/[0-9a-f]{32}$/)
        expect(checked.holder.split('.')).toHaveLength(5)
      }),
      PROPERTY,
    )
  })
})
