"""Ranks count in a file, one at a time; then those with even numbers once more, under a lock of their own.

    mpirun -n 4 python3 lock.py DIRECTORY
"""

import os
import sys
from mpi4py import MPI
from pshmem import MPILock

world = MPI.COMM_WORLD
directory = sys.argv[1]
os.makedirs(directory, exist_ok=True)


def add_one(name):
    """Reads a number, and writes the next one. Two that do it at once would lose a count."""
    path = os.path.join(directory, name)
    count = 0
    if os.path.exists(path):
        with open(path) as file:
            count = int(file.read())
    with open(path, "w") as file:
        file.write(str(count + 1))


with MPILock(world) as lock:
    for _ in range(10):
        lock.lock()
        add_one("all")
        lock.unlock()

evens = world.Split(0 if world.rank % 2 == 0 else MPI.UNDEFINED, world.rank)
if evens != MPI.COMM_NULL:
    with MPILock(evens) as lock:
        lock.lock()
        add_one("evens")
        lock.unlock()

world.barrier()
if world.rank == 0:
    for name in ("all", "evens"):
        with open(os.path.join(directory, name)) as file:
            print(f"{name}: {file.read()}", flush=True)
