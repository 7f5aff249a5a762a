"""Tasks that do nothing on Dask's workers, processes of this machine. Arguments: number of tasks, workers. Prints the seconds."""

import json
import sys
import time

from dask.distributed import Client, LocalCluster


def nothing(index):
    return index


if __name__ == "__main__":
    count, workers = int(sys.argv[1]), int(sys.argv[2])
    options = {"threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with LocalCluster(n_workers=workers, **options) as cluster, Client(cluster) as client:
        client.wait_for_workers(workers)
        start = time.perf_counter()
        results = client.gather(client.map(nothing, range(count), pure=False))
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "done": len(results)}), flush=True)
