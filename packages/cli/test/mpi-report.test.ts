import { describe, expect, it } from 'vitest'
import { judgeMpi, mpiText } from '../src/output/mpi-report.ts'

const facts = {
  library: '/lib/libmpi.so.40',
  version: 'Open MPI v4.1.4',
  abi: 'openmpi',
  threadLevel: 'funneled',
  rank: 0,
  size: 3,
  nodeCount: 2,
  host: 'node1',
  hosts: ['node1', 'node1', 'node2'],
} as const
const library = { path: '/lib/libmpi.so.40', version: 'Open MPI v4.1.4', abi: 'openmpi' } as const
const launcher = { command: 'mpirun', version: 'mpirun (Open MPI) 4.1.4' }

describe('what the doctor says about MPI', () => {
  it('is that nothing is installed, without calling that a fault', () => {
    const report = judgeMpi({ addon: '/addon.node', libraries: [], launchers: [] }, null, null)
    expect(report.faults).toEqual([])
    expect(mpiText(report)).toBe('   MPI              none is installed\n')
  })

  it('names libraries and launchers, and what two ranks found', () => {
    const examination = {
      addon: '/addon.node',
      libraries: [library],
      launchers: [{ ...launcher, facts: { ...facts, size: 2 } }],
    }
    const text = mpiText(judgeMpi(examination, null, null))
    expect(text).toContain('MPI library      Open MPI v4.1.4 (/lib/libmpi.so.40, openmpi ABI)')
    expect(text).toContain('2 ranks met, Open MPI v4.1.4, thread level funneled')
    expect(text).not.toContain('MPI:')
  })

  it('says why two ranks did not meet', () => {
    const broken = { ...launcher, facts: null, fault: 'There are not enough slots.' }
    const report = judgeMpi({ addon: '/addon.node', libraries: [library], launchers: [broken] }, null, null)
    expect(report.faults).toEqual(['Two ranks started by mpirun did not meet: There are not enough slots.'])
    expect(mpiText(report)).toContain('   MPI: Two ranks started by mpirun did not meet')
  })

  it('says what to install where the addon was not built, and what to name where no library opens', () => {
    const [unbuilt] = judgeMpi({ addon: null, libraries: [], launchers: [] }, null, null).faults
    expect(unbuilt).toMatch(/compiler.*npm run build/)
    const launchers = [{ ...launcher, facts }]
    const [unnamed] = judgeMpi({ addon: '/addon.node', libraries: [], launchers }, null, null).faults
    expect(unnamed).toContain('MPIBATCH_LIBMPI')
  })

  it('names the ranks and hosts of the job that it is part of', () => {
    const started = { name: "Open MPI's mpirun", family: 'openmpi', size: 3, rank: 0 } as const
    const text = mpiText(judgeMpi({ addon: '/addon.node', libraries: [], launchers: [] }, started, facts))
    expect(text).toContain("3 ranks on 2 nodes, started by Open MPI's mpirun: node1 (2), node2 (1)")
  })
})
