"""The actors of the raw Dramatiq chain: one message a step, each with its call and its audit row."""

from functools import cache

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

from benchmarks.contest import CHAIN
from benchmarks.peers import finish_line
from benchmarks.peers.audit import REDIS_URL
from benchmarks.peers.steps import Steps

THREADS = 16
broker = RedisBroker(url=REDIS_URL, namespace="bench-dramatiq")
dramatiq.set_broker(broker)


@cache
def steps() -> Steps:
    return Steps(connections=THREADS)


@cache
def done() -> redis.Redis:
    return finish_line.client()


@dramatiq.actor
def take(task_id: str, place: int, delay_ms: int) -> None:
    """Take the step at this place of the chain and send the next one on its way."""
    steps().take(task_id, CHAIN[place], delay_ms=delay_ms)
    if place + 1 < len(CHAIN):
        take.send(task_id, place + 1, delay_ms)
    else:
        finish_line.tell(done(), task_id)
