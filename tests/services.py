"""`python -m tests.services POSTGRES_URL REDIS_URL AMQP_URL`: says in one line which server is missing, and fails."""

import sys
from collections.abc import Callable

import pika
import psycopg
import redis

SECONDS = 5


def reach_postgres(url: str) -> None:
    with psycopg.connect(url, connect_timeout=SECONDS) as connection:
        connection.execute("SELECT 1")


def reach_redis(url: str) -> None:
    with redis.Redis.from_url(url, socket_connect_timeout=SECONDS, socket_timeout=SECONDS) as client:
        client.ping()


def reach_rabbitmq(url: str) -> None:
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = SECONDS
    pika.BlockingConnection(parameters).close()


SERVERS: list[tuple[str, Callable[[str], None]]] = [
    ("PostgreSQL (DATABASE_URL)", reach_postgres),
    ("Redis (REDIS_URL)", reach_redis),
    ("RabbitMQ (BROKER_URL)", reach_rabbitmq),
]
FAILURES = (psycopg.Error, redis.RedisError, pika.exceptions.AMQPError, OSError, ValueError)


def missing(urls: list[str]) -> list[str]:
    """Try each server at its address and return the names of those that do not answer, with the reason."""
    found = []
    for (name, reach), url in zip(SERVERS, urls, strict=True):
        try:
            reach(url)
        except FAILURES as error:
            reason = str(error).strip().splitlines() or [type(error).__name__]
            found.append(f"{name}: {reason[0]}")
    return found


if __name__ == "__main__":
    if absent := missing(sys.argv[1:]):
        sys.exit(f"test-services needs its servers; not reached: {'; '.join(absent)}")
