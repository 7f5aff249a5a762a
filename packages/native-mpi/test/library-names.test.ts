import { describe, expect, it } from 'vitest'
import { libraryNames } from '../src/library-names.ts'

const under = (family: 'openmpi' | 'mpich' | undefined) =>
  libraryNames({ name: 'a launcher', family, size: 2, rank: 0 })

describe('the libraries to try', () => {
  it('are those of the launcher’s family, then the standard ABI, then whatever is there', () => {
    const standard = ['libmpi_abi.so.1', 'libmpi_abi.so.0', 'libmpi_abi.so', 'libmpi.so']
    expect(under('openmpi')).toEqual(['libmpi.so.40', 'libmpi.so.20', ...standard])
    expect(under('mpich')).toEqual([
      ...['libmpich.so.12', 'libmpi.so.12', 'libmpi_cray.so.12', 'libmpi_intel.so.12'],
      ...standard,
    ])
  })

  it('are those of both families where the launcher fits both, or there is none', () => {
    const all = under(undefined)
    expect(libraryNames(undefined)).toEqual(all)
    expect(new Set(all)).toEqual(new Set([...under('openmpi'), ...under('mpich')]))
    expect(all.length).toBe(new Set(all).size)
    expect(all.indexOf('libmpi.so.40')).toBeLessThan(all.indexOf('libmpich.so.12'))
    expect(all.at(-1)).toBe('libmpi.so')
  })

  it('are what the user names, and nothing else', () => {
    const launcher = { name: 'a launcher', family: 'mpich', size: 2, rank: 0 } as const
    expect(libraryNames(launcher, '/opt/mpi/lib/libmpi.so')).toEqual(['/opt/mpi/lib/libmpi.so'])
    expect(libraryNames(launcher, '')).toEqual(under('mpich'))
  })
})
