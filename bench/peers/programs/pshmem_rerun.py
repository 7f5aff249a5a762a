"""Starts an MPIBatch on a root where all is DONE, and asks for the next task. Arguments: root, number of tasks, digits of their names."""

import json
import sys

from pshmem import MPIBatch

root, count, width = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
names = [f"task_{index + 1:0{width}d}" for index in range(count)]
batch = MPIBatch(None, 1, count, task_fs_root=root, task_fs_names=names)
if batch.next_task() is not None:
    sys.exit("A task was left")
print(json.dumps({"done": int((batch._all_task_state == batch.DONE).sum())}))
