"""What no-op-tasks.mjs does, with pshmem's MPIBatch. Its directories are made before the clock starts."""

import json
import sys
import time

from mpi4py import MPI
from pshmem import MPIBatch

told = json.loads(sys.argv[1])
comm = MPI.COMM_WORLD
count = told["tasks"]
mirror = {}
if told["root"] is not None:
    mirror = {
        "task_fs_root": told["root"],
        "task_fs_names": [f"t{index}" for index in range(count)],
    }
batch = MPIBatch(comm, 1, count, **mirror)
ended = 0
comm.barrier()
start = time.perf_counter()
while True:
    task = batch.next_task()
    if task is None:
        break
    batch.set_task_state(task, batch.DONE)
    ended += 1
comm.barrier()
seconds = time.perf_counter() - start
done = comm.allreduce(ended, op=MPI.SUM)
if comm.rank == 0:
    print(json.dumps({"seconds": seconds, "done": done}), flush=True)
comm.barrier()
batch.close()
