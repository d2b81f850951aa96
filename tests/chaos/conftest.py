"""The servers and installations of the chaos suite."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chaos.installation import Installation, installed
from tests.chaos.servers import Postgres, RabbitMQ, Redis, serving


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """The servers that an installation runs on, all of them ours to break."""

    postgres: Postgres
    redis: Redis
    broker: Redis | RabbitMQ

    def installed(self, folder: Path) -> AbstractContextManager[Installation]:
        return installed(folder, postgres=self.postgres, redis=self.redis, broker=self.broker)


@pytest.fixture(scope="session")
def seconds() -> float:
    """Return for how long things go wrong with each broker."""
    return float(os.environ.get("CHAOS_SECONDS", "15"))


@pytest.fixture(scope="module")
def machines(request: pytest.FixtureRequest) -> Iterator[Machines]:
    """Run PostgreSQL and Redis, and RabbitMQ where the test names it as the broker."""
    if getattr(request, "param", "redis") == "redis":
        with serving(Postgres, Redis) as (postgres, redis):
            assert isinstance(postgres, Postgres)
            assert isinstance(redis, Redis)
            yield Machines(postgres=postgres, redis=redis, broker=redis)
        return
    with serving(Postgres, Redis, RabbitMQ) as (postgres, redis, rabbitmq):
        assert isinstance(postgres, Postgres)
        assert isinstance(redis, Redis)
        assert isinstance(rabbitmq, RabbitMQ)
        yield Machines(postgres=postgres, redis=redis, broker=rabbitmq)
