import { describe, expect, it } from 'vitest'
import { failureOf, findMismatch } from '../src/job-faults.ts'
import type { LauncherFacts } from '../src/launcher.ts'

const facts = {
  path: '/lib/libmpich.so.12',
  version: 'MPICH 4',
  abi: 'mpich',
  threadLevel: 'funneled',
  rank: 0,
  size: 1,
  nodes: [0],
  hosts: ['a'],
} as const

const launcher: LauncherFacts = { name: 'Slurm', family: undefined, size: 4, rank: 0 }

describe('a failure of MPI', () => {
  it('names the call, the class, the text and the rank', () => {
    const error = failureOf(['failed', 'MPI_Isend', 16, 'out of memory'], 3)
    expect(error.message).toBe('MPI_Isend failed on rank 3: out of memory')
    expect(error.details).toEqual({ call: 'MPI_Isend', errorClass: 16, rank: 3 })
  })

  it('before anybody has said which rank this is names none', () => {
    const error = failureOf(['failed', 'MPI_Init_thread', 16, 'no'], undefined)
    expect(error.message).toBe('MPI_Init_thread failed: no')
    expect(error.details).not.toHaveProperty('rank')
  })

  it('outside of any call is what was said', () => {
    expect(failureOf(['failed', '', 0, 'mmap of 8 bytes: no memory'], 1).message).toBe(
      'mmap of 8 bytes: no memory',
    )
  })

  it('to open a library says what was tried and what to do', () => {
    expect(failureOf(['failed', 'dlopen', 0, 'libmpi.so.40: no such file\n'], undefined).message).toMatch(
      /Install one .* MPIBATCH_LIBMPI. Tried:\nlibmpi\.so\.40: no such file$/,
    )
  })
})

describe('a library', () => {
  it('fits its launcher, or none', () => {
    expect(findMismatch(facts, undefined)).toBeUndefined()
    expect(findMismatch({ ...facts, size: 4, rank: 2 }, { ...launcher, rank: 2 })).toBeUndefined()
    expect(findMismatch(facts, { ...launcher, size: 1 })).toBeUndefined()
  })

  it('that finds another number of ranks is refused, and both are named', () => {
    const error = findMismatch(facts, launcher)
    expect(error?.message).toMatch(
      /^Slurm says that this job has 4 ranks, but MPICH 4 \(\/lib\/libmpich\.so\.12\) finds 1: .*MPIBATCH_LIBMPI.*--mpi=pmi2/,
    )
    expect(error?.details).toMatchObject({ launched: 4, found: 1 })
  })

  it('that finds another rank is refused where the launcher says no number', () => {
    const vague = { ...launcher, size: undefined }
    expect(findMismatch(facts, { ...vague, rank: 2 })?.message).toMatch(/this is rank 2, but .* finds rank 0/)
    expect(findMismatch(facts, vague)).toBeUndefined()
    expect(findMismatch(facts, { ...vague, rank: undefined })).toBeUndefined()
  })
})
