/** `mpibatch run` over two nodes, as a user starts it. */
import { expect, it } from 'vitest'
import { SHARED } from '../cluster/bed.ts'
import { readEvidence } from '../cluster/evidence.ts'
import { describeOnNodes, expectExit, FAMILIES } from './mpi-bed.ts'
import { faultsOfSingleClaims, hostsOfInstances, tasksByHost } from './run-evidence.ts'

const MANY = 2000
const SOME = 200

describeOnNodes('runs over two nodes', ['mpirun.openmpi', 'mpirun.mpich'], (nodes) => {
  for (const family of FAMILIES) {
    it(`do ${MANY} tasks over TCP, each once, under ${family.name}`, async () => {
      const root = `many-${family.key}`
      const options = ['--root', `${SHARED}/${root}`, '--array', `1-${MANY}`, '--jobs', '2', '--json']
      const end = await nodes.run(family, nodes.mpibatch('run', ...options, '--', 'true'), 150_000)
      expectExit(end, 0)
      expect(JSON.parse(end.stdout)).toMatchObject({ tasks: MANY, done: MANY, failed: 0, open: 0 })
      const tasks = readEvidence(nodes.bed, root)
      expect(tasks).toHaveLength(MANY)
      expect(faultsOfSingleClaims(tasks)).toEqual([])
      // Each rank is an instance.
      expect([...hostsOfInstances(nodes.bed, root).values()].sort()).toEqual([
        ...['node1', 'node1', 'node2', 'node2'],
      ])
      const byHost = tasksByHost(nodes.bed, root, tasks)
      console.log(`${family.name}: ${(end.durationMs / 1000).toFixed(1)} s, ${JSON.stringify(byHost)}`)
      for (const host of nodes.nodes) expect(byHost[host]).toBeGreaterThan(MANY / 10)
    })

    it(`of their own share one root, under ${family.name}`, async () => {
      const root = `two-${family.key}`
      const options = ['--root', `${SHARED}/${root}`, '--array', `1-${SOME}`, '--wait', '--json']
      const line = nodes.mpibatch('run', ...options, '-c', 'sleep 0.05; : {}')
      const jobs = nodes.nodes.map((node) => nodes.start(node, [...family.launcher([node], 2), ...line]))
      for (const job of jobs) {
        const end = await job.ended
        expectExit(end, 0)
        expect(JSON.parse(end.stdout)).toMatchObject({ tasks: SOME, done: SOME, open: 0, elsewhere: 0 })
      }
      const tasks = readEvidence(nodes.bed, root)
      expect(tasks).toHaveLength(SOME)
      expect(faultsOfSingleClaims(tasks)).toEqual([])
      const byHost = tasksByHost(nodes.bed, root, tasks)
      for (const host of nodes.nodes) expect(byHost[host]).toBeGreaterThan(SOME / 10)
    })
  }
})
