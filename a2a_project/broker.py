"""The broker of wake-ups, chosen by BROKER_URL. A message only says "look": nothing is lost when it is flushed."""

from dramatiq import Broker
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker

from a2a_project import environment


def broker_for(url: str) -> Broker:
    """Return the broker for redis://, amqp://, or the in-process one where the address is empty.

    No middleware: retries, time limits and results are the delegation loop's, in the database.
    """
    match url.partition(":")[0]:
        case "":
            return StubBroker(middleware=[])
        case "redis" | "rediss":
            return RedisBroker(url=url, middleware=[])
        case "amqp" | "amqps":
            return RabbitmqBroker(url=url, middleware=[], confirm_delivery=False)
        case _:
            environment.stop("BROKER_URL must begin with redis:// or amqp://")
