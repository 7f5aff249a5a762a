import { GLUSTER } from './bed.ts'
import { describeWithBed, testTwoNodes } from './two-nodes.ts'

describeWithBed(GLUSTER, (tools) => {
  testTwoNodes(tools)
})
