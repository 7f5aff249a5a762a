"""What handoffs.mjs does, with the lock of pshmem."""
import json
import sys
import time

import numpy as np
from mpi4py import MPI
from pshmem import MPILock, MPIShared

LAST, HANDOFFS, COUNT = 0, 1, 2

duration = float(sys.argv[1]) / 1000
comm = MPI.COMM_WORLD
own = comm.rank + 1
acquired = 0
with MPIShared((3,), np.int64, comm) as shared, MPILock(comm) as lock:
    # Its arrays are read-only to their users; the memory behind them is the same on all ranks.
    words = shared.data
    words.flags.writeable = True
    comm.barrier()
    start = time.perf_counter()
    while time.perf_counter() - start < duration:
        lock.lock()
        if words[LAST] != own:
            words[HANDOFFS] += 1
        words[LAST] = own
        words[COUNT] += 1
        acquired += 1
        lock.unlock()
    elapsed = comm.allreduce(time.perf_counter() - start, op=MPI.MAX)
    total = comm.allreduce(acquired, op=MPI.SUM)
    comm.barrier()
    if comm.rank == 0:
        print(
            json.dumps(
                {
                    "handoffs": int(words[HANDOFFS]),
                    "acquired": total,
                    "elapsedMs": elapsed * 1000,
                    "isExact": bool(words[COUNT] == total),
                }
            )
        )
    comm.barrier()
