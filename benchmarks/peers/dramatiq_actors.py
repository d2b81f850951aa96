"""The actors of the raw Dramatiq chain: one message a step, each with its call and its audit row."""

import os
from functools import cache

import dramatiq
import redis
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import GroupCallbacks
from dramatiq.rate_limits.backends import RedisBackend

from benchmarks.contest import CHAIN, LEAVES
from benchmarks.peers import finish_line
from benchmarks.peers.audit import REDIS_URL
from benchmarks.peers.steps import Steps

THREADS = 16
BROKER_URL = os.environ.get("BENCH_BROKER_URL", REDIS_URL)
QUEUE = os.environ.get("BENCH_QUEUE", "bench")
broker: dramatiq.Broker = (
    RabbitmqBroker(url=BROKER_URL, confirm_delivery=True)
    if BROKER_URL.startswith("amqp")
    else RedisBroker(url=BROKER_URL, namespace="bench-dramatiq")
)
broker.add_middleware(GroupCallbacks(RedisBackend(url=REDIS_URL)))
dramatiq.set_broker(broker)


@cache
def steps() -> Steps:
    return Steps(connections=THREADS)


@cache
def done() -> redis.Redis:
    return finish_line.client()


@dramatiq.actor(queue_name=QUEUE)
def take(task_id: str, place: int, delay_ms: int) -> None:
    """Take the step at this place of the chain and send the next one on its way."""
    steps().take(task_id, CHAIN[place], delay_ms=delay_ms)
    if place + 1 < len(CHAIN):
        take.send(task_id, place + 1, delay_ms)
    else:
        finish_line.tell(done(), task_id)


@dramatiq.actor(queue_name=QUEUE)
def split(task_id: str, delay_ms: int) -> None:
    """Ask the splitting agent, give each part to its leaf, and ask it again when all have ended."""
    steps().take(task_id, "split", delay_ms=delay_ms)
    parts = dramatiq.group([part.message(task_id, leaf, delay_ms) for leaf in LEAVES])
    parts.add_completion_callback(join.message(task_id, delay_ms))
    parts.run()


@dramatiq.actor(queue_name=QUEUE)
def part(task_id: str, leaf: str, delay_ms: int) -> None:
    steps().take(task_id, leaf, delay_ms=delay_ms)


@dramatiq.actor(queue_name=QUEUE)
def join(task_id: str, delay_ms: int) -> None:
    steps().take(task_id, "split", delay_ms=delay_ms)
    finish_line.tell(done(), task_id)
