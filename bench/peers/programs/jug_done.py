"""Gives results to the first tasks of a file of jug, as running them would. Arguments: file, its folder of results, how many."""

import sys

import jug.jug
from jug.task import alltasks

path, results, count = sys.argv[1:]
store, _ = jug.jug.init(path, results)
for task in alltasks[: int(count)]:
    store.dump(None, task.hash())
store.close()
