import { NFS } from './bed.ts'
import { describeWithBed, testTwoNodes } from './two-nodes.ts'

describeWithBed(NFS, (tools) => {
  testTwoNodes(tools)
})
