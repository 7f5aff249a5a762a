"""A file of jug: so many tasks that do nothing."""

import os

from jug import Task


def nothing(index):
    return None


for number in range(int(os.environ["BENCH_TASKS"])):
    Task(nothing, number)
