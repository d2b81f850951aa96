"""The broker of wake-ups, chosen by BROKER_URL. A message only says "look": nothing is lost when it is flushed."""

from typing import Any

import redis
from dramatiq import Broker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from redis.backoff import NoBackoff
from redis.retry import Retry

from a2a_project import environment

# Who submits a task waits no longer than this for a broker that hangs.
PATIENCE_SECONDS = 2


def broker_for(url: str) -> Broker:
    """Return the broker for redis://, amqp://, or the in-process one where the address is empty.

    No middleware: retries, time limits and results are the delegation loop's, in the database.
    """
    match url.partition(":")[0]:
        case "":
            return StubBroker(middleware=[])
        case "redis" | "rediss":
            # One more try, at once, is for a connection that has died unnoticed.
            patience = {"socket_timeout": PATIENCE_SECONDS, "socket_connect_timeout": PATIENCE_SECONDS}
            client = redis.Redis.from_url(url, retry=Retry(NoBackoff(), 1), **patience)
            return RedisBroker(client=client, middleware=[])
        case "amqp" | "amqps":
            # Its client takes a sixtieth of a worker's start, which is what recovers from a crash.
            from dramatiq.brokers.rabbitmq import RabbitmqBroker  # noqa: PLC0415

            broker = RabbitmqBroker(url=url, middleware=[], confirm_delivery=False)
            parameters: Any = broker.parameters
            nodes = parameters if isinstance(parameters, list) else [parameters]
            for node in nodes:
                node.socket_timeout = node.stack_timeout = node.blocked_connection_timeout = PATIENCE_SECONDS
            return broker
        case _:
            environment.stop("BROKER_URL must begin with redis:// or amqp://")
