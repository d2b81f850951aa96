"""The tasks of the Celery chain: one message a step, acknowledged late, as durable work is."""

from functools import cache

import redis
from celery import Celery

from benchmarks.contest import CHAIN
from benchmarks.peers import finish_line
from benchmarks.peers.audit import REDIS_URL
from benchmarks.peers.steps import Steps

app = Celery("bench", broker=REDIS_URL)
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=4,
    task_default_queue="bench-celery",
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
