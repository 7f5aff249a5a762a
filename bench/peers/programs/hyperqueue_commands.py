"""Runs a command so many times in HyperQueue, each with its two log files, on one worker with so many cores.

Arguments: directory, number of tasks, cores, the command's words. Server and worker are started before the clock:
they would be there already. Its client looks once a second whether a job has ended, so the clock stops when the last
log file was made. Prints the seconds.
"""

import json
import sys
import time
from pathlib import Path

from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

directory, count, cores, *words = sys.argv[1:]
logs = Path(directory, "logs")
logs.mkdir(parents=True)
with LocalCluster(f"{directory}/server", WorkerConfig(cores=int(cores))) as cluster:
    client = cluster.client()
    start = time.time()
    job = Job(default_workdir=logs)
    for _ in range(int(count)):
        job.program(words)
    client.wait_for_jobs([client.submit(job)])
    end = max(path.stat().st_mtime for path in logs.iterdir())
    print(json.dumps({"seconds": end - start}))
