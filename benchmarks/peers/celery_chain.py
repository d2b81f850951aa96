"""Celery on Redis, prefork: a message a step, eight worker processes."""

import subprocess
import sys

from benchmarks.contest import Course, Lap, Order
from benchmarks.peers import finish_line
from benchmarks.peers.audit import create_tables
from benchmarks.peers.celery_tasks import app, steps, take

PROCESSES = 8


def lap(order: Order) -> Lap:
    def submit(task_id: str) -> None:
        steps().begin(task_id)
        take.delay(task_id, 0, order.delay_ms)

    return finish_line.race(order, submit)


def main() -> None:
    create_tables()
    app.control.purge()
    options = ["--concurrency", str(PROCESSES), "--loglevel", "ERROR", "--without-gossip", "--without-mingle"]
    command = [sys.executable, "-m", "celery", "-A", "benchmarks.peers.celery_tasks", "worker", *options]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as workers:
        Course().run(lap)
        workers.terminate()


if __name__ == "__main__":
    main()
