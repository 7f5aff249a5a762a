import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { describeOnNodes, expectExit, FAMILIES, type Family, type Job, type MpiBed } from './mpi-bed.ts'

/** What the ranks take for silence where a test need not wait for the default of 20 s. */
const SILENCE_SECONDS = 4
/** Time for the launcher to end by itself, and to be ended. */
const GRACE_MS = 10_000

describeOnNodes('a node that goes silent', ['mpirun.openmpi', 'mpirun.mpich'], (nodes) => {
  for (const family of FAMILIES) {
    it(`ends the job within 30 s when its power is cut, under ${family.name}`, async () => {
      const job = await startTalking(nodes, family, `cut-${family.name}`)
      const startMs = performance.now()
      await nodes.bed.kill('node2')
      const end = await job.ended
      const tookMs = performance.now() - startMs
      console.log(`${family.name}: the job of a node without power was over after ${Math.round(tookMs)} ms.`)
      expect(tookMs).toBeLessThan(30_000)
      expect(end.exitCode).not.toBe(0)
      expect(sentences(end.stderr)).toEqual([
        expect.stringMatching(/^mpibatch: Nothing was heard of node2 \(rank 2, 3\) for 20 s/),
      ])
      await nodes.expectNothingLeft(['node1', 'login'])
    })

    it(`leaves nothing behind on either side when the network is cut, under ${family.name}`, async () => {
      const job = await startTalking(nodes, family, `split-${family.key}`, SILENCE_SECONDS)
      await nodes.bed.partition('node2')
      const end = await job.ended
      expect(end.exitCode).not.toBe(0)
      expect(end.durationMs).toBeLessThan(SILENCE_SECONDS * 1000 + GRACE_MS + 10_000)
      expect(end.stderr).toContain('mpibatch: Nothing was heard of node2 (rank 2, 3) for 4 s')
      await nodes.expectNothingLeft(['node1', 'node2', 'login'])
    })

    it(`leaves nothing on the others when it was the launcher's, under ${family.name}`, async () => {
      await startTalking(nodes, family, `head-${family.key}`, SILENCE_SECONDS)
      await nodes.bed.kill('node1')
      await nodes.expectNothingLeft(['node2'], SILENCE_SECONDS * 1000 + GRACE_MS)
    })

    it(`is waited for when it stands still for ten seconds, under ${family.name}`, async () => {
      const name = `still-${family.key}`
      const job = await startTalking(nodes, family, name)
      await nodes.bed.freeze('node2')
      await pause(10_000)
      await nodes.bed.thaw('node2')
      await nodes.waitForRounds(name, nodes.rounds(name) + 10)
      writeFileSync(nodes.bed.sharedPath(name), '')
      expectExit(await job.ended, 0)
    })
  }
})

/** Starts four ranks that talk until they are told to end, and waits until they do. */
async function startTalking(
  nodes: MpiBed,
  family: Family,
  name: string,
  silenceSeconds?: number,
): Promise<Job> {
  const silence = silenceSeconds === undefined ? [] : ['env', `MPIBATCH_SILENCE=${silenceSeconds}`]
  const line = [
    ...family.launcher(nodes.nodes, 2),
    ...silence,
    ...nodes.program('until-told.mjs', `/cluster/shared/${name}`),
  ]
  const job = nodes.start('node1', line)
  await nodes.waitForRounds(name, 5)
  return job
}

function sentences(stderr: string): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('mpibatch:'))
}
