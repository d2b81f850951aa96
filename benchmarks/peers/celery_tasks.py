"""The tasks of the Celery chain: one message a step, acknowledged late, as durable work is."""

import os
from functools import cache

import redis
from celery import Celery, chord

from benchmarks.contest import CHAIN, LEAVES
from benchmarks.peers import finish_line
from benchmarks.peers.audit import REDIS_URL
from benchmarks.peers.steps import Steps

BROKER_URL = os.environ.get("BENCH_BROKER_URL", REDIS_URL)
app = Celery("bench", broker=BROKER_URL, backend=REDIS_URL)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=4,
    task_default_queue=os.environ.get("BENCH_QUEUE", "bench-celery"),
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)


@cache
def steps() -> Steps:
    return Steps(connections=2)


@cache
def done() -> redis.Redis:
    return finish_line.client()


@app.task(name="take")  # type: ignore[untyped-decorator]
def take(task_id: str, place: int, delay_ms: int) -> None:
    """Take the step at this place of the chain and send the next one on its way."""
    steps().take(task_id, CHAIN[place], delay_ms=delay_ms)
    if place + 1 < len(CHAIN):
        take.delay(task_id, place + 1, delay_ms)
    else:
        finish_line.tell(done(), task_id)


@app.task(name="split")  # type: ignore[untyped-decorator]
def split(task_id: str, delay_ms: int) -> None:
    """Ask the splitting agent, give each part to its leaf, and ask it again when all have ended."""
    steps().take(task_id, "split", delay_ms=delay_ms)
    chord([part.si(task_id, leaf, delay_ms) for leaf in LEAVES])(join.si(task_id, delay_ms))


# A chord counts results: the parts must leave theirs.
@app.task(name="part", ignore_result=False)  # type: ignore[untyped-decorator]
def part(task_id: str, leaf: str, delay_ms: int) -> None:
    steps().take(task_id, leaf, delay_ms=delay_ms)


@app.task(name="join")  # type: ignore[untyped-decorator]
def join(task_id: str, delay_ms: int) -> None:
    steps().take(task_id, "split", delay_ms=delay_ms)
    finish_line.tell(done(), task_id)
