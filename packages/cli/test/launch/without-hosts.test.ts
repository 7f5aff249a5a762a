import { describe, expect, it } from 'vitest'
import { expandNodeList } from '../../src/launch/host-list.ts'
import { withoutHosts } from '../../src/launch/without-hosts.ts'

interface Given {
  readonly hosts?: readonly string[]
  readonly groupSize?: number
  readonly environment?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
}

/** The words that are left of a line, and the host file that was written. */
function without(line: string, given: Given = {}) {
  let written: string | undefined
  const words = withoutHosts(line.split(' '), {
    hosts: given.hosts ?? ['node2'],
    groupSize: given.groupSize ?? 1,
    environment: given.environment ?? {},
    readFile: (path) => given.files?.[path],
    writeFile: (text) => {
      written = text
      return '/tmp/new'
    },
  })
  return { line: words?.join(' '), written }
}

describe("a launcher's words without a lost host", () => {
  it.each([
    ['mpirun -np 4 -H node1:2,node2:2', 'mpirun -np 2 -H node1:2'],
    [
      'mpirun.openmpi --np 6 --host node1:2,node2:2,node3:2 --oversubscribe',
      'mpirun.openmpi --np 4 --host node1:2,node3:2 --oversubscribe',
    ],
    ['/opt/ompi/bin/mpirun -c 3 -host node1,node1,node2', '/opt/ompi/bin/mpirun -c 2 -host node1,node1'],
    ['mpirun -H node1:4,node2:4 prog', 'mpirun -H node1:4 prog'],
    ['mpirun -np 2 -H node1:4,node2:4', 'mpirun -np 2 -H node1:4'],
    ['mpirun -np 16 -H node1:4,node2:4', 'mpirun -np 8 -H node1:4'],
    ['mpiexec.hydra -n 4 -hosts node1,node2', 'mpiexec.hydra -n 2 -hosts node1'],
    ['mpiexec -hosts=node1:2,node2:2 -np=4', 'mpiexec -hosts=node1:2 -np=2'],
    ['mpirun.mpich -ppn 2 -n 6 -hosts a,node2,c', 'mpirun.mpich -ppn 2 -n 4 -hosts a,c'],
    ['mpirun -npernode 2 -H node1:2,NODE2.cluster:2', 'mpirun -npernode 2 -H node1:2'],
    ['env A=1 mpirun -n 2 -H node1,node2', 'env A=1 mpirun -n 1 -H node1'],
  ])('is made from %j', (line, left) => {
    expect(without(line).line).toBe(left)
  })

  it('fills whole groups with the ranks that are left', () => {
    const line = 'mpirun -np 9 -H node1:3,node2:3,node3:3'
    expect(without(line, { groupSize: 2 }).line).toBe('mpirun -np 6 -H node1:3,node3:3')
    expect(without(line, { groupSize: 4 }).line).toBe('mpirun -np 4 -H node1:3,node3:3')
    expect(without(line, { groupSize: 7 }).line).toBeUndefined()
  })

  it('has a new host file', () => {
    const files = {
      mine: '# ours\nnode1 slots=2\nuser@node2 slots=2 max_slots=4 # old\n\nnode3 slots=2\n',
      other: 'node1:3\nnode2:1\n',
    }
    expect(without('mpirun --hostfile mine -np 6', { files })).toEqual({
      line: 'mpirun --hostfile /tmp/new -np 4',
      written: '# ours\nnode1 slots=2\n\nnode3 slots=2\n',
    })
    expect(without('mpiexec -f other -n 4', { files })).toEqual({
      line: 'mpiexec -f /tmp/new -n 3',
      written: 'node1:3\n',
    })
    expect(without('mpirun -machinefile=missing -n 4', { files }).line).toBeUndefined()
  })

  it.each([
    ['mpirun -np 4'],
    ['./start.sh -H node1,node2'],
    ['mpirun -np 2 -H node2:2'],
    ['mpirun -np 2 -H node1,node3'],
    ['mpirun -np 2 -H node20,node1'],
    ['mpirun -np 2 -H 10.0.0.1,10.0.0.2'],
    ['mpirun -np 1 -H node1 : -np 1 -H node2'],
    ['mpirun -np many -H node1,node2'],
    ['srun -w ./hosts -n 4'],
  ])('can not be told from %j', (line) => {
    expect(without(line).line).toBeUndefined()
  })

  it('is left out of an allocation of Slurm, with fewer nodes and ranks', () => {
    const environment = { SLURM_JOB_NUM_NODES: '4', SLURM_NTASKS: '16' }
    expect(without('srun --mpi=pmix', { environment }).line).toBe(
      'srun --mpi=pmix --ntasks=12 --nodes=3 --exclude=node2',
    )
    expect(without('srun -N 2 -n4 -x node9', { environment }).line).toBe('srun -N 1 -n2 -x node9,node2')
    expect(without('srun -N1', { environment }).line).toBeUndefined()
    expect(without('srun -w node[1-3] -n 6', { environment }).line).toBe(
      'srun -w node1,node3 -n 4 --nodes=2 --exclude=node2',
    )
    expect(without('srun -n 8').line).toBe('srun -n 8 --exclude=node2')
  })
})

describe("Slurm's list of nodes", () => {
  it.each([
    ['a', ['a']],
    ['a,b[1-2]', ['a', 'b1', 'b2']],
    ['n[08-10,12]-x,y', ['n08-x', 'n09-x', 'n10-x', 'n12-x', 'y']],
  ])('%s is read', (text, names) => {
    expect(expandNodeList(text)).toEqual(names)
  })

  it.each(['', 'a/b', 'a[1', 'a[1-2]b[3-4]', 'a[x]', 'a[1-999999999]'])('%j is not one', (text) => {
    expect(expandNodeList(text)).toBeUndefined()
  })
})
