"""For peers whose workers are other processes: submit so many at a time, and hear from a Redis list who has ended."""

import time
from collections.abc import Callable
from uuid import uuid4

import redis

from benchmarks.contest import Lap, Order
from benchmarks.peers.audit import REDIS_URL

ENDED = "bench:ended"
_LONGEST_SILENCE_SECONDS = 60


def client() -> redis.Redis:
    # The client's own patience is shorter than workers may take to start.
    patience = _LONGEST_SILENCE_SECONDS + 5
    return redis.Redis.from_url(REDIS_URL, decode_responses=True, socket_timeout=patience)


def tell(connection: redis.Redis, task_id: str) -> None:
    """Say that the task has ended."""
    connection.rpush(ENDED, task_id)


def race(order: Order, submit: Callable[[str], None]) -> Lap:
    """Run the order. Raises TimeoutError where nothing ends any more."""
    connection = client()
    connection.delete(ENDED)
    began_at: dict[str, float] = {}
    latencies: list[float] = []

    def start() -> None:
        task_id = str(uuid4())
        began_at[task_id] = time.perf_counter()
        submit(task_id)

    began = time.perf_counter()
    for _ in range(min(order.in_flight, order.tasks)):
        start()
    while len(latencies) < order.tasks:
        ended = connection.blpop([ENDED], timeout=_LONGEST_SILENCE_SECONDS)
        if ended is None:
            raise TimeoutError(f"{len(latencies)} of {order.tasks} tasks have ended")
        latencies.append((time.perf_counter() - began_at[str(ended[1])]) * 1000)
        if len(began_at) < order.tasks:
            start()
    return Lap(seconds=time.perf_counter() - began, latencies_ms=latencies)
