"""Two groups of ranks share ten tasks; one of the tasks fails.

    mpirun -n 4 python3 batch.py DIRECTORY
"""

import random
import sys
import time
from mpi4py import MPI
from pshmem import MPIBatch

world = MPI.COMM_WORLD
names = [f"task_{index:03d}" for index in range(10)]
group_size = max(1, world.size // 2)


def work(task, group):
    """All ranks of the group take part."""
    time.sleep(0.01 + 0.02 * random.random())
    if group is not None:
        group.barrier()
    if names[task] == "task_004":
        raise RuntimeError("this one always fails")


batch = MPIBatch(world, group_size, len(names), task_fs_root=sys.argv[1], task_fs_names=names)

states = ["INVALID" for _ in names]
while True:
    task = batch.next_task()
    if task is None:
        break
    try:
        work(task, batch.worker_comm)
        if batch.worker_rank == 0:
            batch.set_task_state(task, batch.DONE)
        states[task] = "DONE"
    except RuntimeError:
        if batch.worker_rank == 0:
            batch.set_task_state(task, batch.FAILED)
        states[task] = "FAILED"

world.barrier()
for group in range(batch.n_worker):
    if group == batch.worker and batch.worker_rank == 0:
        print(f"group {group}: {' '.join(states)}", flush=True)
    world.barrier()
batch.close()
