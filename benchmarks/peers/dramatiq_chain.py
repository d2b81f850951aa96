"""Dramatiq on Redis without a product around it: a message a step, two worker processes of sixteen threads."""

import subprocess
import sys

from benchmarks.contest import Course, Lap, Order
from benchmarks.peers import finish_line
from benchmarks.peers.audit import create_tables
from benchmarks.peers.dramatiq_actors import THREADS, broker, steps, take

PROCESSES = 2


def lap(order: Order) -> Lap:
    def submit(task_id: str) -> None:
        steps().begin(task_id)
        take.send(task_id, 0, order.delay_ms)

    return finish_line.race(order, submit)


def main() -> None:
    create_tables()
    broker.flush_all()
    options = ["--processes", str(PROCESSES), "--threads", str(THREADS), "--skip-logging"]
    command = [sys.executable, "-m", "dramatiq", "benchmarks.peers.dramatiq_actors", *options]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as workers:
        Course().run(lap)
        workers.terminate()


if __name__ == "__main__":
    main()
