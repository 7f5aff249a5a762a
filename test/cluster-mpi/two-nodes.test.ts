import { freemem } from 'node:os'
import { expect, it } from 'vitest'
import { describeOnNodes, expectExit, FAMILIES } from './mpi-bed.ts'

const RUNS = 20
const RANK_HOSTS = ['node1', 'node1', 'node2', 'node2']
/** A run that hangs at its end never ends; a good one takes 1 to 4 seconds. */
const END_TIMEOUT_MS = 30_000
const LARGE_BYTES = 10e9
const LARGE_TIMEOUT_MS = 150_000

describeOnNodes('two nodes with two ranks each', ['mpirun.openmpi', 'mpirun.mpich'], (nodes) => {
  for (const family of FAMILIES) {
    it(`pass the contract of a communicator under ${family.name}`, async () => {
      const contract = [process.execPath, `${import.meta.dirname}/../mpi/programs/contract.mjs`]
      const end = await nodes.run(family, contract)
      expectExit(end, 0)
      const { nodeCount, size, failures, count } = JSON.parse(end.stdout)
      expect({ nodeCount, size, failures }).toEqual({ nodeCount: 2, size: 4, failures: [] })
      expect(count).toBeGreaterThan(30)
    })

    it(`are told apart, share memory inside, and end with rank 0's code in ${RUNS} runs under ${family.name}`, async () => {
      const expected = RANK_HOSTS.map((host) => ({ host, nodeRanks: 2, shares: true, counts: [2, 4] }))
      for (let index = 0; index < RUNS; index += 1) {
        const exitCode = index % 4 === 3 ? 1 : 0
        const end = await nodes.run(family, nodes.program('ending.mjs', String(exitCode)), END_TIMEOUT_MS)
        expectExit(end, exitCode)
        expect(JSON.parse(end.stdout)).toEqual(expected)
        // Open MPI's mpirun has its say about every other code.
        if (exitCode === 0) expect(end.stderr).toBe('')
      }
    })

    it(`set a shared array of more than 2^31 elements on both nodes under ${family.name}`, async (context) => {
      // One copy per node, and the values of the rank that sets it; the nodes are one machine.
      if (freemem() < LARGE_BYTES) context.skip(`needs ${LARGE_BYTES / 1e9} GB of free memory`)
      const program = [process.execPath, `${import.meta.dirname}/../mpi/programs/shared-array.mjs`, 'large']
      const end = await nodes.run(family, program, LARGE_TIMEOUT_MS)
      expectExit(end, 0)
      const found = end.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).found)
      expect(found).toEqual(RANK_HOSTS.map(() => ({ isWhole: true, last: 2 })))
    })

    it(`answer while the owner of a window computes half a second, under ${family.name}`, async () => {
      const end = await nodes.run(family, nodes.program('claim-latency.mjs'))
      expectExit(end, 0)
      const durations: number[] = JSON.parse(end.stdout).sort((a: number, b: number) => a - b)
      expect(durations.length).toBeGreaterThan(10)
      const medianMs = durations[Math.floor(durations.length / 2)]
      console.log(`${family.name}: a busy owner answered after ${medianMs} ms (median).`)
      expect(medianMs).toBeLessThan(5)
    })
  }
})
