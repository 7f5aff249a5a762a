"""An array that every rank reads. Rank 0 sets a part of it, then the last rank another one.

    mpirun -n 4 python3 shared.py
"""

import numpy as np
from mpi4py import MPI
from pshmem import MPIShared

world = MPI.COMM_WORLD
last = world.size - 1


def show(title, array):
    """One line per rank, in the order of ranks."""
    for rank in range(world.size):
        if rank == world.rank:
            rows = " / ".join(" ".join(f"{value:g}" for value in row) for row in array)
            print(f"{title}, rank {rank}: {rows}", flush=True)
        world.barrier()


with MPIShared((3, 5), np.float64, world) as field:
    show("at first", field.data)

    part = None
    offset = None
    if world.rank == 0:
        part = np.arange(6, dtype=np.float64).reshape((2, 3))
        offset = (1, 1)
    field.set(part, offset=offset, fromrank=0)
    show("after set", field.data)

    corner = None
    if world.rank == last:
        corner = np.array([[8.0, 9.0]])
    field[0, 0] = corner
    show("after assigning", field.data)

    if world.rank == last:
        print(f"element 2, 3 is {field[2, 3]:g}", flush=True)
