"""Dramatiq without a product around it: a message a step, two worker processes of sixteen threads.

With "submit" or "work" as its argument it does that alone, to be killed at it.
"""

import os
import subprocess
import sys
from uuid import uuid4

from benchmarks.contest import Course, Lap, Order
from benchmarks.peers import finish_line
from benchmarks.peers.audit import create_tables
from benchmarks.peers.dramatiq_actors import THREADS, broker, split, steps, take

PROCESSES = 2
COMMAND = [
    *(sys.executable, "-m", "dramatiq", "benchmarks.peers.dramatiq_actors"),
    *("--processes", str(PROCESSES), "--threads", str(THREADS), "--skip-logging"),
]


def lap(order: Order) -> Lap:
    def submit(task_id: str) -> None:
        steps().begin(task_id)
        if order.shape == "chain":
            take.send(task_id, 0, order.delay_ms)
        else:
            split.send(task_id, order.delay_ms)

    return finish_line.race(order, submit)


def compete() -> None:
    create_tables()
    broker.flush_all()
    with subprocess.Popen(COMMAND, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as workers:
        try:
            Course().run(lap)
        finally:
            workers.terminate()


def submit(tasks: int) -> None:
    create_tables()
    broker.flush_all()
    for _ in range(tasks):
        task_id = str(uuid4())
        steps().begin(task_id)
        take.send(task_id, 0, -1)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["submit", tasks]:
            submit(int(tasks))
        case ["work", *_]:
            os.execv(COMMAND[0], COMMAND)
        case _:
            compete()
