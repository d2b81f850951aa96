"""Ours with two worker processes, as Dramatiq and Celery have several: each has its loop, and half of the tasks.

A contender (see contest.py).
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from benchmarks.contenders import ROOT, Running, ended
from benchmarks.contest import Course, Lap, Order

WORKERS = 2


@contextmanager
def worker() -> Iterator[Running]:
    """Run a worker with its submitter until the end of the block."""
    command = [sys.executable, "-m", "benchmarks.chain"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process, ended(process):
        yield Running(process)


def lap(workers: Sequence[Running], order: Order) -> Lap:
    """Run the order in equal parts side by side. With fewer tasks in flight than workers some stand idle."""
    shares = [part for part in _shares(order, len(workers)) if part.in_flight]
    with ThreadPoolExecutor(len(shares)) as pool:
        laps = list(pool.map(Running.lap, workers, shares))
    return Lap(
        seconds=max(each.seconds for each in laps), latencies_ms=[ms for each in laps for ms in each.latencies_ms]
    )


def _shares(order: Order, n: int) -> list[Order]:
    tasks, in_flight = _parts(order.tasks, n), _parts(order.in_flight, n)
    return [replace(order, tasks=mine, in_flight=at_once) for mine, at_once in zip(tasks, in_flight, strict=True)]


def _parts(whole: int, n: int) -> list[int]:
    return [(whole + place) // n for place in reversed(range(n))]


def main() -> None:
    """Start one worker after the other, since the first makes the tables; then run what is ordered."""
    course = Course()
    with ExitStack() as stack:
        workers = [stack.enter_context(worker()) for _ in range(WORKERS)]
        course.run(lambda order: lap(workers, order))


if __name__ == "__main__":
    main()
