import { WEAK } from './bed.ts'
import { describeWithBed, testTwoNodes } from './two-nodes.ts'

describeWithBed(WEAK, (tools) => {
  testTwoNodes(tools)
})
