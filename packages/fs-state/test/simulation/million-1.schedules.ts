import { testPart } from './million.ts'

testPart(0)
