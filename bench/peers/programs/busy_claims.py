"""What busy-claims.mjs does, with pshmem's MPIBatch and a rank 0 that computes in Python."""

import json
import sys
import time

from mpi4py import MPI
from pshmem import MPIBatch

TASK_COUNT = 5000

busy, blocks = float(sys.argv[1]) / 1000, int(sys.argv[2])
comm = MPI.COMM_WORLD
batch = MPIBatch(comm, 1, TASK_COUNT)
last = comm.size - 1
comm.barrier()
if comm.rank == 0:
    for _ in range(blocks):
        end = time.perf_counter() + busy
        while time.perf_counter() < end:
            pass
        comm.iprobe()
    comm.send(None, dest=last)
elif comm.rank == last:
    times = []
    while not comm.iprobe(source=0):
        start = time.perf_counter()
        task = batch.next_task()
        batch.set_task_state(task, batch.DONE)
        times.append(1000 * (time.perf_counter() - start))
        time.sleep(0.003)
    comm.recv(source=0)
    times.sort()
    figures = {"count": len(times), "median": times[len(times) // 2], "longest": times[-1]}
    print(json.dumps(figures), flush=True)
comm.barrier()
batch.close()
