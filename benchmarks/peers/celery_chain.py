"""Celery, prefork: a message a step, eight worker processes.

With "submit" or "work" as its argument it does that alone, to be killed at it.
"""

import os
import subprocess
import sys
from uuid import uuid4

from benchmarks.contest import Course, Lap, Order
from benchmarks.peers import finish_line
from benchmarks.peers.audit import create_tables
from benchmarks.peers.celery_tasks import BROKER_URL, app, split, steps, take

PROCESSES = 8
COMMAND = [
    # The address again: the program would rather have BROKER_URL of its environment.
    *(sys.executable, "-m", "celery", "-A", "benchmarks.peers.celery_tasks", "-b", BROKER_URL, "worker"),
    *("--concurrency", str(PROCESSES), "--loglevel", "ERROR", "--without-gossip", "--without-mingle"),
]


def lap(order: Order) -> Lap:
    def submit(task_id: str) -> None:
        steps().begin(task_id)
        if order.shape == "chain":
            take.delay(task_id, 0, order.delay_ms)
        else:
            split.delay(task_id, order.delay_ms)

    return finish_line.race(order, submit)


def compete() -> None:
    create_tables()
    app.control.purge()
    with subprocess.Popen(COMMAND, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as workers:
        try:
            Course().run(lap)
        finally:
            workers.terminate()


def submit(tasks: int) -> None:
    create_tables()
    app.control.purge()
    for _ in range(tasks):
        task_id = str(uuid4())
        steps().begin(task_id)
        take.delay(task_id, 0, -1)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["submit", tasks]:
            submit(int(tasks))
        case ["work", *_]:
            os.execv(COMMAND[0], COMMAND)
        case _:
            compete()
