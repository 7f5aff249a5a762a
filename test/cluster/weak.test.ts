import { expect, it } from 'vitest'
import { SHARED, WEAK } from './bed.ts'
import { describeWithBed, testTwoNodes } from './two-nodes.ts'

describeWithBed(WEAK, (tools) => {
  testTwoNodes(tools)

  const { bed, first } = tools

  it('are told of ESTALE by a number: Node has no name for it', async () => {
    const path = `${SHARED}/forgotten`
    await bed.exec(first, ['sh', '-c', `echo text >${path}`])
    bed.inject(first, 'fail read ESTALE path=/forgotten\n')
    const read = `try { require('node:fs').readFileSync('${path}') } catch ({ code, errno }) { console.log(code, errno) }`
    expect(await bed.exec(first, [process.execPath, '-e', read])).toBe('Unknown system error -116 -116\n')
  })
})
